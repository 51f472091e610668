"""A program that makes a pool and prints the seconds to its first result: ``python _pool_start.py POOL [numpy]``."""

import multiprocessing
import multiprocessing.pool
import sys
from time import perf_counter
from typing import Any

import hasten

if "numpy" in sys.argv:
    import numpy as np  # noqa: F401, what it costs is measured


def square(x: int) -> int:
    return x * x


def make(name: str) -> Any:
    """Return a new pool of two workers."""
    if name == "hasten":
        return hasten.Pool(2)
    if name == "hasten-fork":
        return hasten.Pool(2, context="fork")
    return multiprocessing.get_context(name).Pool(2)


if __name__ == "__main__":
    hasten.Pool  # noqa: B018, imported before the clock starts, as multiprocessing's is
    start = perf_counter()
    pool = make(sys.argv[1])
    assert pool.apply(square, (3,)) == 9
    print(perf_counter() - start)
    pool.terminate()
