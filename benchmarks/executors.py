"""What a call of an executor with two worker processes takes that does next to nothing, beside the peers."""

import concurrent.futures
import contextlib
import importlib
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from _measure import Row, at_least, compare, installed, main, row, times

import hasten

WORKERS = 2
CALLS = 2_000
IN_TURN = 200

PEER = "concurrent.futures"


def nothing(x: Any) -> Any:
    return x


def submit(executor: Any) -> object:
    """Submit many calls, then read what came of them."""
    return [future.result() for future in [executor.submit(nothing, number) for number in range(CALLS)]]


def submit_in_turn(executor: Any) -> object:
    """Wait for each call before the next."""
    return [executor.submit(nothing, number).result() for number in range(IN_TURN)]


def map_singly(executor: Any) -> object:
    return list(executor.map(nothing, range(CALLS)))


def map_chunks(executor: Any) -> object:
    return list(executor.map(nothing, range(CALLS), chunksize=100))


class Pebble:
    """pebble's pool with the method names of executors."""

    def __init__(self) -> None:
        self.pool = importlib.import_module("pebble").ProcessPool(WORKERS)

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Start a call."""
        return self.pool.schedule(function, args)

    def map(self, function: Callable[..., Any], items: Any, chunksize: int = 1) -> Any:
        """Give the results of calls."""
        return self.pool.map(function, items, chunksize=chunksize).result()

    def shutdown(self) -> None:
        """Wait for the end of the workers."""
        self.pool.stop()
        self.pool.join()


@contextlib.contextmanager
def executors() -> Iterator[dict[str, Any]]:
    """Give the executors that are installed, by name."""
    makers: dict[str, Callable[[], Any]] = {
        "hasten": lambda: hasten.ProcessPoolExecutor(WORKERS),
        PEER: lambda: concurrent.futures.ProcessPoolExecutor(WORKERS),
    }
    if installed("loky"):
        makers["loky"] = lambda: importlib.import_module("loky").ProcessPoolExecutor(WORKERS)
    if installed("pebble"):
        makers["pebble"] = Pebble
    with contextlib.ExitStack() as stack:
        found = {}
        for name, make in makers.items():
            found[name] = make()
            stack.callback(found[name].shutdown)
        yield found


def per_call(body: Callable[[Any], object], executor: Any, calls: int) -> Callable[[], float]:
    """Return a contender: the seconds of one of the calls that `body` makes."""

    def sample() -> float:
        start = perf_counter()
        body(executor)
        return (perf_counter() - start) / calls

    return sample


CASES = (
    ("ProcessPoolExecutor.submit, a call", submit, CALLS, 3.0),
    ("ProcessPoolExecutor.submit, each after the last", submit_in_turn, IN_TURN, 2.0),
    ("ProcessPoolExecutor.map, an item", map_singly, CALLS, 3.0),
    ("ProcessPoolExecutor.map, chunks of 100, an item", map_chunks, CALLS, 1.0),
)


def rows() -> list[Row]:
    """Measure the rows of the table."""
    found = []
    with executors() as contenders:
        for subject, body, calls, limit in CASES:
            compared = compare({name: per_call(body, one, calls) for name, one in contenders.items()}, rounds=5)
            ratio = compared.ratio(PEER, "hasten")
            bound = f"at least {limit:g}x {PEER}"
            note = f"{times(ratio)} {PEER}"
            found.append(row(subject, compared, bound, at_least(ratio, limit), note, has_peer=False))
    return found


if __name__ == "__main__":
    main(rows)
