"""numba's `vectorize` and `guvectorize`: the same ufuncs, by numba's rules of types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def vectorize(ftylist_or_function: Any = (), /, **kws: Any) -> Any:
    """Make a NumPy ufunc of a function on scalars; as `hasten.vectorize`, with numba's types in the function.

    Parameters
    ----------
    ftylist_or_function, **kws
        As in `hasten.vectorize`.

    Returns
    -------
    numpy.ufunc or callable
        The ufunc, or a decorator.
    """
    from hasten._vectorize import ufunc_decorator

    return ufunc_decorator(ftylist_or_function, kws, dialect="numba")


def guvectorize(*args: Any, **kwargs: Any) -> Any:
    """Make a NumPy generalised ufunc; as `hasten.guvectorize`, with numba's types in the function.

    Parameters
    ----------
    *args, **kwargs
        As in `hasten.guvectorize`.

    Returns
    -------
    callable
        A decorator, which returns a ``numpy.ufunc``.
    """
    from hasten._vectorize import gufunc_decorator

    return gufunc_decorator(args, kwargs, dialect="numba")
