"""Ufuncs and parallel loops' threads, where numba has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hasten.numba._gufuncs import GUFunc as GUVectorize
from hasten.numba._parallel import get_num_threads, get_thread_id, set_num_threads, threading_layer
from hasten.numba._ufuncs import guvectorize, vectorize

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np

__all__ = [
    "GUVectorize",
    "Vectorize",
    "get_num_threads",
    "get_thread_id",
    "guvectorize",
    "set_num_threads",
    "threading_layer",
    "vectorize",
]


class Vectorize:
    """Builds a ufunc signature by signature.

    Parameters
    ----------
    func : callable
        A function on scalars.
    target : {"cpu", "parallel"}, optional
        As in `vectorize`.
    **options
        Of `vectorize`.
    """

    def __init__(self, func: Callable[..., Any], target: str = "cpu", **options: Any) -> None:
        self._function = func
        self._options = {"target": target, **options}
        self._signatures: list[Any] = []

    def add(self, sig: Any) -> None:
        """Compile a loop for this signature, too."""
        self._signatures.append(sig)

    def build_ufunc(self) -> np.ufunc:
        """Return the ufunc; without signatures it compiles at its first call."""
        if not self._signatures:
            return vectorize(self._function, **self._options)  # type: ignore[no-any-return]
        return vectorize(self._signatures, **self._options)(self._function)  # type: ignore[no-any-return]
