"""Functions that stand for others in compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hasten import _core
from hasten.errors import UnsupportedError

_declared: dict[Any, list[tuple[Callable[..., Any], dict[str, Any]]]] = {}
_found: dict[tuple[Any, ...], Any] = {}


def overload(
    func: Any, jit_options: dict[str, Any] | None = None, strict: bool = True, inline: str = "never", **kwargs: Any
) -> Callable[[Any], Any]:
    """Declare what compiled code calls in place of a function.

    Parameters
    ----------
    func : callable
        The function, which compiled code doesn't know.
    jit_options : dict, optional
        Options of `jit` for what is called instead.
    strict : bool
        Accepted as numba accepts it.
    inline : str
        Accepted: the optimiser decides.
    **kwargs
        Accepted as numba accepts them: ``prefer_literal``, ``target``.

    Returns
    -------
    callable
        A decorator for a function that gets the types of a call's arguments, and returns the Python function to be
        compiled for them, or None where it has none.

    Examples
    --------
    >>> from hasten.numba import njit, types
    >>> from hasten.numba.extending import overload
    >>> def double(x):
    ...     raise NotImplementedError("only for compiled code")
    >>> @overload(double)
    ... def double_of(x):
    ...     if isinstance(x, types.Number):
    ...         return lambda x: x + x
    >>> @njit
    ... def f(x):
    ...     return double(x)
    >>> f(2.5)
    5.0
    """

    def declare(implement: Any) -> Any:
        _declared.setdefault(func, []).append((implement, dict(jit_options or {})))
        for key in [key for key in _found if key[0] is func]:
            del _found[key]
        _core.set_overload_hook(find)
        return implement

    return declare


def find(func: Any, texts: list[str], names: list[str]) -> Any:
    """Return what stands for a function on arguments of these types.

    Parameters
    ----------
    func : callable
        The function.
    texts : list of str
        The types, as the engine spells them; the last ones are those of arguments with names.
    names : list of str
        The names.

    Returns
    -------
    CPUDispatcher or None
        The compiled function; None where there is none.
    """
    if func not in _declared:
        return None
    key = (func, *texts, *names, len(names))
    if key not in _found:
        _found[key] = _implementation(func, texts, names)
    return _found[key]


def _implementation(func: Any, texts: list[str], names: list[str]) -> Any:
    from hasten.numba._decorators import jit
    from hasten.numba._type_text import type_from_text

    types = [type_from_text(text) for text in texts]
    positional = types[: len(types) - len(names)]
    for implement, options in _declared[func]:
        body = implement(*positional, **dict(zip(names, types[len(positional) :], strict=True)))
        if isinstance(body, tuple):
            raise UnsupportedError("an overload returns the function alone: the types of its arguments are the call's")
        if body is not None:
            return body if isinstance(body, _core.Dispatcher) else jit(**options)(body)
    return None
