"""What a task in a thread takes that does next to nothing, beside the standard library's pool and executor."""

from __future__ import annotations

import concurrent.futures
import multiprocessing.pool
from collections.abc import Callable
from time import perf_counter
from typing import Any

from _measure import Row, at_least, compare, main, row, times

import hasten

TASKS = 20_000
THREADS = 2


def task(number: int) -> int:
    return number


def per_task(body: Callable[[], object]) -> Callable[[], float]:
    """Return a contender: the seconds that one of the tasks takes which `body` runs."""

    def sample() -> float:
        start = perf_counter()
        body()
        return (perf_counter() - start) / TASKS

    return sample


def map_one_by_one(pool: Any) -> object:
    return pool.map(task, range(TASKS), chunksize=1)


def apply_async(pool: Any) -> object:
    return [result.get() for result in [pool.apply_async(task, (number,)) for number in range(TASKS)]]


def imap(pool: Any) -> object:
    return list(pool.imap(task, range(TASKS)))


def submit(executor: Any) -> object:
    return [future.result() for future in [executor.submit(task, number) for number in range(TASKS)]]


def compared_row(subject: str, body: Callable[[Any], object], limit: float, ours: Any, standard: Any) -> Row:
    compared = compare({"hasten": per_task(lambda: body(ours)), "standard library": per_task(lambda: body(standard))})
    ratio = compared.ratio("standard library", "hasten")
    bound = f"at least {limit:.0f} times the standard library's speed"
    note = f"{times(ratio)} the standard library's speed"
    return row(subject, compared, bound, at_least(ratio, limit), note, has_peer=False)


def rows() -> list[Row]:
    found = []
    with hasten.ThreadPool(THREADS) as ours, multiprocessing.pool.ThreadPool(THREADS) as standard:
        for subject, body, limit in (
            ("ThreadPool.map, chunksize 1, a task", map_one_by_one, 5),
            ("ThreadPool.apply_async, a task", apply_async, 4),
            ("ThreadPool.imap, a task", imap, 5),
        ):
            found.append(compared_row(subject, body, limit, ours, standard))
    with hasten.ThreadPoolExecutor(THREADS) as ours, concurrent.futures.ThreadPoolExecutor(THREADS) as standard:
        found.append(compared_row("ThreadPoolExecutor.submit, a task", submit, 5, ours, standard))
    return found


if __name__ == "__main__":
    main(rows)
