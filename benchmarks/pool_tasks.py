"""Calls through a pool of two worker processes: tasks that do nothing, beside the peers."""

import concurrent.futures
import contextlib
import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from _measure import Row, at_least, compare, installed, main, row, times

import hasten

WORKERS = 2
SINGLE = 2_000  # tasks one at a time
CHUNKED = 1_000_000  # tasks in chunks
STILL = 3.0  # seconds for which the processor time of waiting pools is measured

Call = Callable[[], object]


def nothing(x: Any) -> Any:
    return x


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


def together(pool: Any) -> None:
    """Start calls one by one, then wait for each."""
    for result in [pool.apply_async(nothing, (x,)) for x in range(SINGLE)]:
        result.get()


def slowest(pool: Any) -> Callable[[], float]:
    """Return a contender: the 99th percentile of the seconds of a round trip."""

    def sample() -> float:
        times = []
        for _ in range(500):
            start = perf_counter()
            pool.apply(nothing, (1,))
            times.append(perf_counter() - start)
        return sorted(times)[-5]

    return sample


def exact_seconds(pid: int) -> float:
    """Return the processor time of a process in the system's own resolution; the clock is clock_getcpuclockid's."""
    return time.clock_gettime(~pid << 3 | 2)


def share_of_a_core(processes: list[int]) -> float:
    """Return how much of a core some processes use while nothing is to be done."""
    before = sum(map(exact_seconds, processes))
    time.sleep(STILL)
    return (sum(map(exact_seconds, processes)) - before) / STILL


def still_row(subject: str, bound: float, waits_for: float = 0.0) -> Row:
    """Return a row of the processor time of a pool, idle or waiting for one long task."""
    with hasten.Pool(WORKERS) as pool:
        pool.map(nothing, range(SINGLE), chunksize=1)
        processes = [os.getpid(), *(one.pid for one in pool._pool)]
        waiter = threading.Thread(target=pool.apply, args=(time.sleep, (waits_for,)))
        if waits_for:
            waiter.start()
        time.sleep(0.2)
        used = share_of_a_core(processes)
        if waits_for:
            waiter.join()
    shown = {"hasten": f"{used:.3%} of a core"}
    return Row(subject, shown, f"at most {bound:.2%} of a core", used <= bound, f"over {STILL:g} s")


def private_bytes(pid: int | None) -> int:
    """Return the memory that a process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def memory_row() -> Row:
    """Return a row of what a worker needs beyond a process that was forked the same way and does nothing."""
    with hasten.Pool(1) as pool:
        bare = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        bare.start()
        pool.map(nothing, range(SINGLE), chunksize=1)
        more = private_bytes(pool._pool[0].pid) - private_bytes(bare.pid)
        bare.kill()
        bare.join()
    bound = 3 << 20
    figures = {"hasten": f"{more / (1 << 20):.2f} MiB"}
    return Row("private memory of a worker beyond a bare one", figures, "at most 3 MiB", more <= bound, "one reading")


def width_row() -> Row:
    """Return a row of the cost of a task with 1 to 64 workers."""
    with contextlib.ExitStack() as stack:
        found = {}
        for count in (1, 2, 4, 16, 64):
            pool = stack.enter_context(hasten.Pool(count))
            found[f"{count} workers"] = seconds(
                lambda pool=pool: pool.map(nothing, range(10 * SINGLE), chunksize=1),  # type: ignore[misc]
                10 * SINGLE,
            )
        compared = compare(found, rounds=5)
    medians = [sample.median for sample in compared.samples.values()]
    spread = max(medians) / min(medians)
    bound = "flat within 20%"
    return row("a task with 1 to 64 workers", compared, bound, spread <= 1.2, f"spread {spread:.2f}", has_peer=False)


def compared(
    subject: str, bound: float, contenders: dict[str, Callable[[], float]], *notes: str, rounds: int = 5
) -> Row:
    """Return a row whose bound is a ratio to multiprocessing."""
    found = compare(contenders, rounds)
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
    still = [  # before peers have threads in this process
        still_row("an idle pool", 0.0001),  # what looking takes
        still_row("a pool that waits for one long task", 0.001, waits_for=STILL + 1),
    ]
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
            compared("the same through apply_async", 8, each(SINGLE, together)),
            compared("the same in default chunks", 1, each(CHUNKED, lambda pool: pool.map(nothing, range(CHUNKED)))),
            compared(
                "apply, there and back", 3, each(100, lambda pool: [pool.apply(nothing, (1,)) for _ in range(100)])
            ),
            compared("apply, 99th percentile", 3, {name: slowest(pool) for name, pool in found.items()}),
            width_row(),
            *still,
            memory_row(),
        ]


if __name__ == "__main__":
    main(rows)
