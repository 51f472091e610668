"""numba's `vectorize` and `guvectorize`: the same ufuncs, by numba's rules of types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hasten.numba.core.typing.signatures import Signature, is_signature, normalize_signature

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

    if is_signature(ftylist_or_function) or isinstance(ftylist_or_function, list):
        ftylist_or_function = _texts(ftylist_or_function)
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

    if len(args) == 2:
        args = (_texts(args[0]), args[1])
    return gufunc_decorator(args, kwargs, dialect="numba")


def _texts(signatures: Any) -> list[str]:
    """Spell signatures, in whichever way numba takes them, as the engine reads them."""
    is_one = is_signature(signatures) and not (isinstance(signatures, tuple) and all(map(is_signature, signatures)))
    found = [normalize_signature(one) for one in ([signatures] if is_one else signatures)]
    return [Signature(result, args)._hasten_text for args, result in found]
