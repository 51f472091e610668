"""The difference of two long arrays, element by element: as fast as memory is."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hasten.demo.program import Engine, Program, Size, Variant, equal

prange = range


def difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract by a loop."""
    out = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        out[i] = a[i] - b[i]
    return out


def difference_on_every_core(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract by a loop that the cores share."""
    out = np.empty(a.shape[0])
    for i in prange(a.shape[0]):
        out[i] = a[i] - b[i]
    return out


def difference_of_arrays(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract by one array statement."""
    return a - b


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    count = {"full": 10_000_000, "quick": 1_000_000, "tiny": 100}[size]
    random = np.random.default_rng(1)
    a, b = random.random(count), random.random(count)
    variants = [
        Variant("plain", lambda: difference(a, b)),
        Variant("NumPy", lambda: difference_of_arrays(a, b)),
    ]
    for engine in filter(None, engines.values()):
        loop, statement = engine.compiled(difference), engine.compiled(difference_of_arrays)
        parallel = engine.compiled(difference_on_every_core, parallel=True)
        variants += [
            Variant(f"{engine.name}.njit, loop", lambda f=loop: f(a, b), True),  # type: ignore[misc]
            Variant(f"{engine.name}.njit, a - b", lambda f=statement: f(a, b), True),  # type: ignore[misc]
            Variant(f"{engine.name}.njit, prange", lambda f=parallel: f(a, b), True),  # type: ignore[misc]
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    work = f"the difference of two arrays of {count:,} floats"
    return Program("difference of arrays", work, variants, equal, absent)
