"""What it takes to hand an item from one thread to another, beside queue.Queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

from _measure import Row, at_least, compare, main, row, times

import hasten
from hasten import queue as queues

ITEMS = 50_000


def handed_over(make: Callable[[], Any]) -> Callable[[], float]:
    """Return a contender: the seconds an item takes from one thread through a new queue to another."""

    def sample() -> float:
        between = make()

        def produce() -> None:
            for number in range(ITEMS):
                between.put(number)

        producer = threading.Thread(target=produce)
        start = perf_counter()
        producer.start()
        for _ in range(ITEMS):
            between.get()
        taken = perf_counter() - start
        producer.join()
        return taken / ITEMS

    return sample


def rows() -> list[Row]:
    found = []
    for size in (1000, 10):
        compared = compare(
            {
                "hasten.Channel": handed_over(lambda size=size: hasten.Channel(size)),  # type: ignore[misc]
                "hasten.queue.Queue": handed_over(lambda size=size: queues.Queue(size)),  # type: ignore[misc]
                "queue.Queue": handed_over(lambda size=size: queue.Queue(size)),  # type: ignore[misc]
            }
        )
        ratio = compared.ratio("queue.Queue", "hasten.Channel")
        limit = 5 if size == 1000 else None
        found.append(
            row(
                f"an item from thread to thread, at most {size} on their way",
                compared,
                f"at least {limit} times queue.Queue's speed" if limit else "none",
                at_least(ratio, limit) if limit else True,
                f"a channel has {times(ratio)} queue.Queue's speed",
                has_peer=False,
            )
        )
    return found


if __name__ == "__main__":
    main(rows)
