"""Functions for compiled code to call."""

from __future__ import annotations

from typing import Any

from hasten import _core
from hasten.numba._overloads import overload

__all__ = ["is_jitted", "overload", "register_jitable"]


def register_jitable(*args: Any, **kwargs: Any) -> Any:
    """Let compiled code call a Python function, which itself stays a Python function.

    Parameters
    ----------
    *args
        The function, where the decorator is written without brackets.
    **kwargs
        Options of `jit` for when it is compiled.

    Returns
    -------
    callable
        The function, or a decorator.
    """

    def mark(function: Any) -> Any:
        from hasten.numba._decorators import jit

        function.__hasten_function__ = jit(**{**kwargs, "nopython": True})(function)
        return function

    return mark(*args) if args else mark


def is_jitted(function: Any) -> bool:
    """Return whether `jit` made this function."""
    return isinstance(function, _core.Dispatcher)
