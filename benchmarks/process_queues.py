"""What it takes to hand an item from one process to another, beside multiprocessing.Queue."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from _measure import Row, at_least, compare, main, row, times

import hasten
from hasten import multiprocessing as ours

CONTEXT = multiprocessing.get_context("fork")


def put_all(queue: Any, item: Any, count: int, go: Any) -> None:
    queue.put(item)
    go.wait()
    for _ in range(count):
        queue.put(item)


def handed_over(make: Callable[[], Any], item: Any, count: int) -> Callable[[], float]:
    """Return a contender: the seconds an item takes from a process through a new queue to this one."""

    def sample() -> float:
        queue, go = make(), CONTEXT.Event()
        producer = CONTEXT.Process(target=put_all, args=(queue, item, count, go))
        producer.start()
        queue.get()
        start = perf_counter()
        go.set()
        for _ in range(count):
            queue.get()
        taken = perf_counter() - start
        producer.join()
        return taken / count

    return sample


def rows() -> list[Row]:
    found = []
    for subject, item, count, limit in (
        ("an int", 7, 20_000, 5),
        ("a small dict", {"name": "a", "values": [1, 2, 3]}, 20_000, 5),
        ("1 MB of bytes", bytes(1_000_000), 200, 4),
        ("an array of 1 MB", np.zeros(125_000), 200, 4),
    ):
        contenders: dict[str, Callable[[], Any]] = {
            "hasten.Queue": ours.Queue,
            "hasten.Channel": lambda: hasten.Channel(shared=True),
            "multiprocessing.Queue": CONTEXT.Queue,
        }
        compared = compare({name: handed_over(make, item, count) for name, make in contenders.items()}, rounds=5)
        ratios = [compared.ratio("multiprocessing.Queue", one) for one in ("hasten.Queue", "hasten.Channel")]
        found.append(
            row(
                f"{subject} from process to process",
                compared,
                f"at least {limit} times multiprocessing.Queue's speed",
                at_least(min(ratio for ratio in ratios if ratio is not None), limit),
                f"queue {times(ratios[0])}, channel {times(ratios[1])} multiprocessing.Queue's speed",
                has_peer=False,
            )
        )
    return found


if __name__ == "__main__":
    main(rows)
