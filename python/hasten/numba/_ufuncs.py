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
        A decorator, which returns a `GUFunc`.

    Raises
    ------
    TypeError
        On arguments that are not as above.
    """
    from hasten.numba._gufuncs import GUFunc

    if len(args) not in (1, 2) or not isinstance(args[-1], str):
        raise TypeError("guvectorize() takes the layout, such as '(n),(n)->()', or signatures and the layout")
    signatures = _normalized(args[0]) if len(args) == 2 else []

    def decorate(function: Any) -> GUFunc:
        made = GUFunc(function, args[-1], is_dynamic=not signatures, **kwargs)
        for arguments, _ in signatures:
            made.add(tuple(arguments))
        return made.build_ufunc()

    return decorate


def _texts(signatures: Any) -> list[str]:
    """Spell signatures, in whichever way numba takes them, as the engine reads them."""
    return [Signature(result, args)._hasten_text for args, result in _normalized(signatures)]


def _normalized(signatures: Any) -> list[Any]:
    is_one = is_signature(signatures) and not (isinstance(signatures, tuple) and all(map(is_signature, signatures)))
    return [normalize_signature(one) for one in ([signatures] if is_one else signatures)]
