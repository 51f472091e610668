"""The distance of each point to each other."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hasten.demo.program import Engine, Program, Size, Variant, equal_to_rounding, is_installed

prange = range


def distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the distance of each pair."""
    count, dimensions = points.shape
    out = np.empty((count, count))
    for i in prange(count):
        for j in range(count):
            s = 0.0
            for k in range(dimensions):
                d = points[i, k] - points[j, k]
                s += d * d
            out[i, j] = np.sqrt(s)
    return out


def distances_of_arrays(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the same with NumPy: every difference first, then the sums."""
    difference: NDArray[np.float64] = points[:, None, :] - points[None, :, :]
    result: NDArray[np.float64] = np.sqrt((difference**2).sum(axis=2))
    return result


def distances_by_scipy(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the same with SciPy."""
    from scipy.spatial.distance import cdist

    result: NDArray[np.float64] = cdist(points, points)
    return result


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    count = {"full": 1000, "quick": 300, "tiny": 10}[size]
    points = np.random.default_rng(1).random((count, 3))
    variants = [
        Variant("plain", lambda: distances(points)),
        Variant("NumPy", lambda: distances_of_arrays(points)),
    ]
    if is_installed("scipy"):
        variants.append(Variant("SciPy", lambda: distances_by_scipy(points)))
    for engine in filter(None, engines.values()):
        loops, parallel = engine.compiled(distances), engine.compiled(distances, parallel=True)
        variants += [
            Variant(f"{engine.name}.njit", lambda f=loops: f(points), True),  # type: ignore[misc]
            Variant(f"{engine.name}.njit, prange", lambda f=parallel: f(points), True),  # type: ignore[misc]
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    absent += [] if is_installed("scipy") else ["scipy"]
    work = f"all distances between {count:,} points in space"
    return Program("pairwise distances", work, variants, equal_to_rounding, absent)
