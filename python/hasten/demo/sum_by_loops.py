"""The sum of an array by two loops, many times over fresh random arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hasten.demo.program import Engine, Program, Size, Variant, equal_to_rounding

prange = range

SEED = 1


def total(x: NDArray[np.float64]) -> float:
    """Add the elements one by one."""
    s = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s += x[i, j]
    return s


def totals_of_fresh_arrays(times: int, n: int) -> NDArray[np.float64]:
    """Make arrays of random numbers and add up each."""
    np.random.seed(1)
    totals = np.empty(times)
    for k in range(times):
        x = np.random.random((n, n))
        s = 0.0
        for i in range(n):
            for j in range(n):
                s += x[i, j]
        totals[k] = s
    return totals


def totals_on_every_core(times: int, n: int) -> NDArray[np.float64]:
    """Do the same with the arrays divided among the cores, each of which has random numbers of its own."""
    totals = np.empty(times)
    for k in prange(times):
        x = np.random.random((n, n))
        s = 0.0
        for i in range(n):
            for j in range(n):
                s += x[i, j]
        totals[k] = s
    return totals


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    times, n = {"full": (500, 500), "quick": (20, 500), "tiny": (3, 10)}[size]

    def outside(add: object) -> object:
        np.random.seed(SEED)
        return np.array([add(np.random.random((n, n))) for _ in range(times)])  # type: ignore[operator]

    def plausible(result: NDArray[np.float64], plain: NDArray[np.float64]) -> bool:
        # The sum of so many uniform numbers is normal, with this standard deviation.
        deviation = np.sqrt(times * n * n / 12)
        return len(np.unique(result)) == times and abs(result.sum() - times * n * n / 2) < 6 * deviation

    variants = [
        Variant("plain", lambda: outside(total)),
        Variant("NumPy", lambda: outside(np.sum)),
    ]
    for engine in filter(None, engines.values()):
        loops, jitted = engine.compiled(total), engine.compiled(total, "jit")
        inside = engine.compiled(totals_of_fresh_arrays)
        parallel = engine.compiled(totals_on_every_core, parallel=True)
        variants += [
            Variant(f"{engine.name}.jit", lambda f=jitted: outside(f), True),  # type: ignore[misc]
            Variant(f"{engine.name}.njit", lambda f=loops: outside(f), True),  # type: ignore[misc]
            Variant(
                f"{engine.name}.njit, numbers made inside",
                lambda f=inside: f(times, n),  # type: ignore[misc]
                True,
            ),
            Variant(
                f"{engine.name}.njit, all of it under prange",
                lambda f=parallel: f(times, n),  # type: ignore[misc]
                True,
                plausible,
                "random numbers of its own on each core; their sum is checked to 6 standard deviations",
            ),
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    work = f"the sum of a {n}x{n} array by two loops, {times} times over fresh np.random.random arrays"
    return Program("sum by two loops", work, variants, equal_to_rounding, absent)
