"""`jit` and `njit` with numba's rules of types and numba's refusals."""

from __future__ import annotations

import inspect
import warnings
from types import FunctionType
from typing import Any

from hasten import _core
from hasten._decorators import _settings
from hasten.numba._dispatcher import CPUDispatcher
from hasten.numba.core import config, errors
from hasten.numba.core.typing.signatures import is_signature

_MEANT = frozenset(
    ["boundscheck", "debug", "error_model", "fastmath", "forceobj", "inline", "looplift", "nogil", "parallel"]
)
# What else numba accepts: hints for its own passes.
_IGNORED = frozenset(
    [
        "_dbg_extend_lifetimes",
        "_dbg_optnone",
        "_nrt",
        "forceinline",
        "no_cfunc_wrapper",
        "no_cpython_wrapper",
        "no_rewrites",
        "nopython",
        "writable_args",
    ]
)


def jit(
    signature_or_function: Any = None,
    locals: Any = None,
    cache: bool = False,
    pipeline_class: Any = None,
    boundscheck: bool | None = None,
    **options: Any,
) -> Any:
    """Compile a whole function for the types that it is called with, with numba's rules of types.

    Parameters
    ----------
    signature_or_function : callable, str, tuple, Signature or list, optional
        The function (``@jit``), or one or several signatures to be compiled now.
    locals : dict, optional
        Types of local variables, by their names: ``{"s": "float32"}``, or a type of `hasten.numba.types`. What is
        assigned to such a variable is converted to its type.
    cache : bool
        Accepted: compiled code is kept on disk in any case, unless ``HASTEN_CACHE=0``.
    pipeline_class : object, optional
        Must be None: the compiler's passes can't be replaced.
    boundscheck : bool, optional
        False removes the index checks that are left.
    **options
        As for `hasten.jit`.

    Returns
    -------
    CPUDispatcher or callable
        The compiled function, or a decorator.

    Examples
    --------
    >>> from hasten.numba import jit
    >>> @jit("int64(int64, int64)")
    ... def add(x, y):
    ...     return x + y
    >>> add(1, 2)
    3
    """
    _check(options, pipeline_class)
    settings = _settings(
        {key: value for key, value in options.items() if key in _MEANT}
        | {"locals": locals, "boundscheck": boundscheck},
        "numba",
    )
    options = {**options, "nopython": not options.get("forceobj", False), "boundscheck": boundscheck}
    if isinstance(signature_or_function, list):
        signatures = signature_or_function
    elif signature_or_function is None or is_signature(signature_or_function):
        signatures = [] if signature_or_function is None else [signature_or_function]
    else:
        return _compile(signature_or_function, [], options, settings)

    def decorator(function: Any) -> Any:
        return _compile(function, signatures, options, settings)

    return decorator


def njit(*args: Any, **kws: Any) -> Any:
    """Do what `jit` does, which is the preferred name.

    Parameters
    ----------
    *args, **kws
        As for `jit`.

    Returns
    -------
    CPUDispatcher or callable
        The compiled function, or a decorator.
    """
    for name in ("nopython", "forceobj"):
        if name in kws:
            warnings.warn(f"{name} is set for njit and is ignored", RuntimeWarning, stacklevel=2)
    kws.pop("forceobj", None)
    return jit(*args, **{**kws, "nopython": True})


def _check(options: dict[str, Any], pipeline_class: Any) -> None:
    for name in ("argtypes", "restype"):
        if name in options:
            raise errors.DeprecationError(
                f"Deprecated keyword argument `{name}`. Signatures should be passed as the first positional argument."
            )
    nopython = options.get("nopython")
    if nopython is not None and type(nopython) is not bool:
        raise AssertionError("nopython option must be a bool")
    if nopython is True and options.get("forceobj"):
        raise ValueError("Only one of 'nopython' or 'forceobj' can be True.")
    if nopython is False:
        warnings.warn(
            "The keyword argument 'nopython=False' was supplied. From Numba 0.59.0 the default is True and supplying "
            "this argument has no effect.",
            errors.NumbaDeprecationWarning,
            stacklevel=3,
        )
    unknown = set(options) - _MEANT - _IGNORED
    if unknown:
        raise KeyError(f"Unrecognized options: {unknown}. Known options are {sorted(_MEANT | _IGNORED)}")
    if pipeline_class is not None:
        raise errors.UnsupportedError("pipeline_class: the passes of Hasten's compiler can't be replaced")


def _compile(function: Any, signatures: list[Any], options: dict[str, Any], settings: dict[str, Any]) -> Any:
    if isinstance(function, _core.Dispatcher):
        raise TypeError(
            f"A jit decorator was called on an already jitted function {function}.  If trying to access the original "
            f"python function, use the {function}.py_func attribute."
        )
    if not isinstance(function, FunctionType):
        raise TypeError(f"The decorated object is not a function (got type {type(function)}).")
    if config.DISABLE_JIT:
        return function
    _core.capture_source(function)
    return CPUDispatcher(function, signatures, options, **settings)


def jit_module(**kwargs: Any) -> None:
    """Compile all functions that the calling module defines.

    Parameters
    ----------
    **kwargs
        Options of `jit`.
    """
    module = inspect.getmodule(inspect.stack()[1][0])
    for name, value in inspect.getmembers(module, inspect.isfunction):
        if value.__module__ == getattr(module, "__name__", None):
            setattr(module, name, jit(value, **kwargs))
