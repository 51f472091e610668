"""A program that makes a pool and prints the seconds to its first result: ``python _pool_start.py POOL [OPTION]``.

Options: ``numpy`` imports NumPy before, ``cold`` lets nothing be started before the pool is made, ``second`` measures
the program's second pool.

It imports the package that its pool is of, and not the other.
"""

from __future__ import annotations

import sys
from time import perf_counter

if sys.argv[1].startswith("hasten"):
    import hasten
else:
    import multiprocessing.pool

if "numpy" in sys.argv:
    import numpy as np  # noqa: F401, what it costs is measured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def square(x: int) -> int:
    return x * x


def make(name: str) -> Any:
    """Return a new pool of two workers."""
    if name == "hasten":
        return hasten.Pool(2)
    if name == "hasten-fork":
        return hasten.get_context("fork").Pool(2)
    return multiprocessing.get_context(name).Pool(2)


if __name__ == "__main__":
    if "hasten" in sys.modules:
        if "cold" in sys.argv:
            from hasten._pool.template import templates

            vars(templates)["start_early"] = lambda: None
        # Imported before the clock starts, as multiprocessing's is.
        if sys.argv[1] == "hasten-fork":
            import hasten.multiprocessing
        else:
            hasten.Pool  # noqa: B018
        if "cold" in sys.argv:
            del vars(templates)["start_early"]
    if "second" in sys.argv:
        with make(sys.argv[1]) as first:
            first.apply(square, (3,))
    start = perf_counter()
    pool = make(sys.argv[1])
    assert pool.apply(square, (3,)) == 9
    print(perf_counter() - start)
    pool.terminate()
