"""Pools whose workers are elsewhere: ranks of MPI, and workers of Dask.

``pool`` has the pool that all of them share, ``interface`` what a backend has to offer it, ``jobs`` the calls that are
under way, ``tasks`` how tasks travel and what runs in the workers, and one module each backend.
"""

from __future__ import annotations

import importlib

# Under `hasten run` that is the drop-in, which imports the pool; begun from within the pool it would not be ready.
import multiprocessing as _multiprocessing  # noqa: F401
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hasten.backends.pool import ClusterPool

# The modules of the backends; each has a `connect`, which takes the options of `hasten.Pool`.
_MODULES = {"mpi": "hasten.backends.mpi", "dask": "hasten.backends.dask"}


def make_pool(backend: str, **options: Any) -> ClusterPool:
    """Return what ``hasten.Pool(backend=backend, **options)`` is.

    Parameters
    ----------
    backend
        ``"mpi"`` or ``"dask"``.
    **options
        As for `hasten.Pool`.

    Raises
    ------
    ValueError
        Where there is no such backend, or it lacks one of the options.
    ModuleNotFoundError
        Where the package that the backend builds on is not installed.
    """
    if backend not in _MODULES:
        known = ", ".join(repr(name) for name in _MODULES)
        raise ValueError(f"backend={backend!r}: use one of {known}, or leave it out for processes on this machine")
    pool: ClusterPool = importlib.import_module(_MODULES[backend]).connect(**options)
    return pool
