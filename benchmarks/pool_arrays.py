"""Arrays as arguments and results of a pool of two worker processes, beside the standard library's."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from _measure import Row, main
from pool_tasks import WORKERS, compared, nothing, pools, seconds

import hasten

LARGE = 12_500_000  # doubles: 100 MB
MIDDLE = 125_000  # 1 MB
SMALL = 1_250  # 10 kB
HELD = 20  # results of 100 MB that are kept at any time
MANY = 100  # arrays of 1 MB
MOST = 10_000  # arrays of 10 kB
TASKS = 1_000  # that share a bound array


def first(x: Any) -> float:
    return float(x[0])


def first_and(x: Any, y: float) -> float:
    return first(x) + y


def ones(count: int) -> Any:
    return np.ones(count)


def sent_once() -> Row:
    """Return a row of the bytes that a call copies whose function has an array bound to it."""
    array = np.ones(LARGE)
    with hasten.Pool(WORKERS) as pool:
        pool.map(partial(first_and, array), range(TASKS), chunksize=1)
        exchange = pool._crew.exchange
        sent = exchange.bytes_sent if exchange else 0
    bound = array.nbytes + 4096
    figures = {"hasten": f"{sent / 1e6:.2f} MB"}
    met = array.nbytes <= sent <= bound
    return Row(f"bytes copied by {TASKS} tasks that share 100 MB", figures, "100 MB and a page", met, "one reading")


def rows() -> list[Row]:
    """Measure the rows of the table."""
    large = np.ones(LARGE)
    middle = [np.full(MIDDLE, float(x)) for x in range(MANY)]
    small = [np.full(SMALL, float(x)) for x in range(MOST)]
    with pools() as found:
        for pool in found.values():
            pool.map(ones, [LARGE] * WORKERS, chunksize=1)  # memory that nobody has used yet is slow, and is so once

        def each(count: int, call: Callable[[Any], object]) -> dict[str, Callable[[], float]]:
            return {name: seconds(partial(call, pool), count) for name, pool in found.items()}

        kept: dict[Any, deque[object]] = {pool: deque(maxlen=HELD) for pool in found.values()}

        def held(call: Callable[[Any], object]) -> dict[str, Callable[[], float]]:
            for pool, results in kept.items():
                results.extend(pool.apply(ones, (LARGE,)) for _ in range(HELD - len(results)))
            return each(1, lambda pool: kept[pool].append(call(pool)))

        def judged(subject: str, bound: float, contenders: dict[str, Callable[[], float]]) -> Row:
            return compared(subject, bound, contenders, rounds=3)

        return [
            judged("100 MB as an argument", 12, each(1, lambda pool: pool.apply(first, (large,)))),
            judged("100 MB as a result", 12, each(1, lambda pool: pool.apply(ones, (LARGE,)))),
            judged("100 MB there and back", 12, each(1, lambda pool: pool.apply(nothing, (large,)))),
            judged("100 MB as a result, 20 held", 6, held(lambda pool: pool.apply(ones, (LARGE,)))),
            judged("100 MB there and back, 20 held", 6, held(lambda pool: pool.apply(nothing, (large,)))),
            judged("1 MB as an argument", 6, each(MANY, lambda pool: pool.map(first, middle, chunksize=1))),
            judged("1 MB as a result", 6, each(MANY, lambda pool: pool.map(ones, [MIDDLE] * MANY, chunksize=1))),
            judged("10 kB as arguments, in default chunks", 4, each(MOST, lambda pool: pool.map(first, small))),
            judged("10 kB as results, in default chunks", 4, each(MOST, lambda pool: pool.map(ones, [SMALL] * MOST))),
            sent_once(),
        ]


if __name__ == "__main__":
    main(rows)
