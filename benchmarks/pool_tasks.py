"""Calls through a pool of two worker processes: tasks that do nothing, and large arrays, beside the peers."""

import concurrent.futures
import contextlib
import importlib
import multiprocessing
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from _measure import Row, at_least, compare, installed, main, row, times

import hasten

WORKERS = 2
SINGLE = 2_000  # tasks one at a time
CHUNKED = 200_000  # tasks in chunks
LARGE = 12_500_000  # doubles: 100 MB

Call = Callable[[], object]


def nothing(x: Any) -> Any:
    return x


def first(x: Any) -> float:
    return float(x[0])


def ones(count: int) -> Any:
    return np.ones(count)


def seconds(call: Call, count: int) -> Callable[[], float]:
    """Return a contender: the seconds of one of `count` operations."""

    def sample() -> float:
        start = perf_counter()
        call()
        return (perf_counter() - start) / count

    return sample


def apply_often(pool: Any) -> None:
    for _ in range(100):
        pool.apply(nothing, (1,))


@contextlib.contextmanager
def pools() -> Iterator[dict[str, Any]]:
    """Give the pools that have `map`, `imap` and `apply`, by name."""
    with hasten.Pool(WORKERS) as ours, multiprocessing.Pool(WORKERS) as standard:
        yield {"hasten": ours, "multiprocessing": standard}


@contextlib.contextmanager
def executors() -> Iterator[dict[str, Any]]:
    """Give the pools that have `submit`, by name."""
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as standard:
        found: dict[str, Any] = {"concurrent.futures": standard}
        if installed("loky"):
            found["loky"] = importlib.import_module("loky").ProcessPoolExecutor(WORKERS)
        if installed("pebble"):
            found["pebble"] = importlib.import_module("pebble").ProcessPool(WORKERS)
        yield found


def submit(executor: Any, count: int) -> None:
    take = getattr(executor, "submit", None)
    if type(executor).__name__ == "ProcessPool":
        futures = [executor.schedule(nothing, (x,)) for x in range(count)]
    else:
        futures = [take(nothing, x) for x in range(count)] if take else []
    for future in futures:
        future.result()


def compared(subject: str, bound: float, contenders: dict[str, Callable[[], float]], *notes: str) -> Row:
    """Return a row whose bound is a ratio to multiprocessing."""
    found = compare(contenders, rounds=5)
    ratio = found.ratio("multiprocessing", "hasten")
    return row(
        subject,
        found,
        f"at least {bound:g}x multiprocessing.Pool",
        at_least(ratio, bound),
        f"{times(ratio)} multiprocessing.Pool",
        *notes,
        has_peer=False,
    )


def rows() -> list[Row]:
    """Measure the rows of the table."""
    array = np.ones(LARGE)
    with pools() as found, executors() as others:

        def each(count: int, call: Callable[[Any], object]) -> dict[str, Callable[[], float]]:
            return {name: seconds(lambda pool=pool: call(pool), count) for name, pool in found.items()}  # type: ignore[misc]

        single = each(SINGLE, lambda pool: pool.map(nothing, range(SINGLE), chunksize=1))
        for name, executor in others.items():
            single[name] = seconds(lambda executor=executor: submit(executor, SINGLE), SINGLE)  # type: ignore[misc]
        return [
            compared("a task that does nothing, one at a time", 8, single),
            compared(
                "the same through imap", 8, each(SINGLE, lambda pool: sum(1 for _ in pool.imap(nothing, range(SINGLE))))
            ),
            compared("the same in default chunks", 1, each(CHUNKED, lambda pool: pool.map(nothing, range(CHUNKED)))),
            compared(
                "apply, there and back", 3, each(100, lambda pool: [pool.apply(nothing, (1,)) for _ in range(100)])
            ),
            compared("100 MB as an argument", 12, each(1, lambda pool: pool.apply(first, (array,)))),
            compared("100 MB as a result", 12, each(1, lambda pool: pool.apply(ones, (LARGE,)))),
        ]


if __name__ == "__main__":
    main(rows)
