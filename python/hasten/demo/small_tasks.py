"""Many tasks of a few microseconds, handed to a pool one by one."""

import multiprocessing
from collections.abc import Mapping
from typing import Any

import hasten
from hasten._cores import available_cores
from hasten.demo.program import Engine, Program, Size, Variant, equal


def collatz(number: int) -> int:
    """Count the steps from a number to 1, where even ones are halved and odd ones become 3n + 1 (Collatz, 1937)."""
    steps = 0
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    return steps


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    numbers = range(1, {"full": 50_001, "quick": 5_001, "tiny": 101}[size])
    workers = available_cores()

    def through(pool: Any) -> object:
        with pool:
            return list(pool.imap(collatz, numbers))

    variants = [
        Variant("plain", lambda: list(map(collatz, numbers))),
        Variant("multiprocessing.Pool", lambda: through(multiprocessing.Pool(workers))),
        Variant("hasten.Pool", lambda: through(hasten.Pool(workers))),
    ]
    work = f"the Collatz steps of {len(numbers):,} numbers by imap, each a task of its own, on {workers} cores"
    return Program("many small tasks", work, variants, equal)
