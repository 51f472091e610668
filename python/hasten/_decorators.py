"""The decorators that compile: `jit` and `njit`, and what their options mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, overload

from hasten import _cache_directory, _config, _core, _source
from hasten._dispatcher import Dispatcher, signature_text

# Imported here: should the engine need them first in one thread while another forks, the child would wait for ever.
assert _source and _cache_directory

_OPTIONS = frozenset(
    (
        *("nopython", "nogil", "cache", "forceobj", "looplift", "parallel", "fastmath"),
        *("error_model", "boundscheck", "locals", "inline", "debug", "overflow"),
    )
)


_FASTMATH = {"nnan": 1, "ninf": 2, "nsz": 4, "arcp": 8, "contract": 16, "afn": 32, "reassoc": 64}


def _gradual(dispatcher: Dispatcher, error: Exception | None) -> Callable[..., Any]:
    from hasten._gradual import lift

    return lift(dispatcher, error)


_core.set_gradual_hook(_gradual)


class prange:
    """``range``, whose iterations may run at the same time in a function that is compiled with ``parallel=True``."""

    def __new__(cls, *args: int) -> range:  # type: ignore[misc]
        """Return ``range(*args)``."""
        return range(*args)


_Signatures = str | tuple[object, ...] | list[Any] | None
_Decorator = Callable[[Callable[..., Any]], Dispatcher]


@overload
def jit(signature_or_function: Callable[..., Any], /, **options: Any) -> Dispatcher: ...
@overload
def jit(signature_or_function: _Signatures = None, /, **options: Any) -> _Decorator: ...
def jit(signature_or_function: Any = None, /, **options: Any) -> Any:
    """Compile a function for the types that it is called with.

    It gives what Python gives. Where the function as a whole can't be compiled, the parts that can are, and the rest
    stays Python.

    Parameters
    ----------
    signature_or_function : callable, str, tuple or list, optional
        The function (``@jit``), or one or several signatures such as ``"float64(float64[:])"`` to be compiled now.
        With signatures, no other types are compiled later: arguments are converted to the best one, or refused.
    nopython : bool
        Compile the whole function or raise, as `njit` does.
    nogil : bool
        Release the GIL while the function runs.
    parallel : bool
        Let loops over `prange` and array statements use all cores.
    fastmath : bool or set
        Let floating-point operations be reordered, and assume that there are neither infinities nor NaNs; or what
        these flags of LLVM allow of that: ``{"nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}``.
    error_model : {"python", "numpy"}
        Whether a division by zero raises or gives infinity or NaN.
    overflow : {"wrap", "raise"}
        What Python's ints do beyond 64 bits; `jit` raises and `njit` wraps where nothing is said.
    boundscheck : bool
        False removes the index checks that are left.
    cache : bool
        False: keep the code of this function in memory only.
    forceobj : bool
        Leave the function to Python, but for its loops.
    looplift : bool
        False: leave to Python also the loops of a function that can't be compiled as a whole.
    inline, debug
        Accepted as numba accepts them.
    locals : dict
        Types of local variables, by their names: ``{"s": "float32"}``, or a type of `hasten.numba.types`. What is
        assigned to such a variable is converted to its type.

    Returns
    -------
    Dispatcher or callable
        The compiled function, or a decorator.

    Examples
    --------
    >>> @jit
    ... def add(x, y):
    ...     return x + y
    >>> add(1, 2)
    3
    """
    return decorate(signature_or_function, options, dialect="python")


@overload
def njit(signature_or_function: Callable[..., Any], /, **options: Any) -> Dispatcher: ...
@overload
def njit(signature_or_function: _Signatures = None, /, **options: Any) -> _Decorator: ...
def njit(signature_or_function: Any = None, /, **options: Any) -> Any:
    """Compile a whole function, or raise an error that says what can't be compiled; as ``jit(nopython=True)``.

    Parameters
    ----------
    signature_or_function, **options
        As in `jit`.

    Returns
    -------
    Dispatcher or callable
        The compiled function, or a decorator.
    """
    for name in ("nopython", "forceobj"):
        if name in options:
            warnings.warn(f"{name} is set for njit and is ignored", RuntimeWarning, stacklevel=2)
            del options[name]
    return decorate(signature_or_function, {**options, "nopython": True}, dialect="python")


def decorate(what: Any, options: dict[str, Any], *, dialect: str, always_gradual: bool = False) -> Any:
    """Do what a decorator does with its arguments.

    Parameters
    ----------
    what : callable, str, tuple, list or None
        A function, or signatures.
    options : dict
        The options of `jit`.
    dialect : {"python", "numba"}
        Whose rules the function keeps.
    always_gradual : bool
        Leave to Python what can't be compiled also where ``HASTEN_NATIVE`` forbids it: for parts of a function that is
        Python's.

    Returns
    -------
    Dispatcher or callable
        The compiled function, or a decorator.
    """
    settings = _settings(options, dialect, always_gradual)
    signatures = _signatures(what)
    if signatures is None:
        return _dispatcher(what, (), options, settings)

    def decorator(function: Callable[..., Any]) -> Dispatcher:
        return _dispatcher(function, signatures, options, settings)

    return decorator


def kernel_dispatcher(function: Any, options: dict[str, Any], *, dialect: str = "python") -> Dispatcher:
    """Return a dispatcher for the function or loop body behind a ufunc: never gradual, NumPy's rules for zero divisors.

    Parameters
    ----------
    function : FunctionType or Dispatcher
        The function.
    options : dict
        Of those of `jit`.
    dialect : {"python", "numba"}, optional
        Whose rules the function keeps.

    Returns
    -------
    Dispatcher
        Not compiled for any types yet.
    """
    if isinstance(function, _core.Dispatcher):
        function = function.py_func
    options = {**options, "nopython": True, "error_model": "numpy"}
    return _dispatcher(function, (), options, _settings(options, dialect))


def _signatures(what: Any) -> list[str] | None:
    """Return the signatures that a decorator got; None where it got a function."""
    if what is None:
        return []
    if isinstance(what, list):
        return [signature_text(signature) for signature in what]
    if isinstance(what, (str, tuple)) or (not callable(what) and not isinstance(what, (staticmethod, classmethod))):
        return [signature_text(what)]
    return None


def _dispatcher(
    function: Any, signatures: Iterable[str], options: dict[str, Any], settings: dict[str, Any]
) -> Dispatcher:
    if isinstance(function, Dispatcher):
        raise TypeError(
            f"A jit decorator was called on an already jitted function {function.__qualname__}. "
            "Its original Python function is its attribute .py_func."
        )
    if not isinstance(function, FunctionType):
        if isinstance(function, _core.Cache):
            raise TypeError(
                f"The decorated object is a cache, {function!r}: a compiled function is cached by the decorator above "
                "it. Write @lru_cache above @njit."
            )
        raise TypeError(f"The decorated object is not a function (got type {type(function)}).")
    _core.capture_source(function)
    return Dispatcher(function, signatures, options, **settings)


def _settings(options: dict[str, Any], dialect: str, always_gradual: bool = False) -> dict[str, Any]:
    """Translate the options of a decorator for the engine."""
    _check_names(options)
    if options.get("inline", "never") not in ("never", "always"):
        raise ValueError(f"inline must be 'never' or 'always', not {options['inline']!r}")
    if options.get("nopython") and options.get("forceobj"):
        raise ValueError("nopython and forceobj can't both be set")
    native = bool(options.get("nopython")) or dialect == "numba" or (_config.native_only() and not always_gradual)
    return {
        "dialect": dialect,
        "overflow": options.get("overflow") or ("wrap" if native else "raise"),
        "error_model": options.get("error_model") or "python",
        "exact_joins": not native,
        "boundscheck": options.get("boundscheck") is not False,
        "fastmath": _fastmath_bits(options.get("fastmath")),
        "parallel": bool(options.get("parallel")),
        "nogil": bool(options.get("nogil")),
        "debug": bool(options.get("debug")),
        "cache": options.get("cache") is not False and _config.cache_enabled(),
        "gradual": not native,
        "interpret": bool(options.get("forceobj")),
        "locals": _declared_types(options.get("locals")),
    }


def _declared_types(types: Any) -> dict[str, str]:
    """Spell the types of local variables as the engine reads them."""
    if types is not None and not isinstance(types, Mapping):
        raise TypeError(f"locals must be a dict of names and types, as in {{'s': 'float32'}}, not {types!r}")
    return {name: signature_text(declared) for name, declared in (types or {}).items()}


def _fastmath_bits(flags: object) -> int:
    """Return what the engine may do with floating-point numbers: all, nothing, or what these flags of LLVM allow."""
    if isinstance(flags, dict):
        flags = {name for name, wanted in flags.items() if wanted}
    if not isinstance(flags, set | frozenset | list | tuple):
        return sum(_FASTMATH.values()) if flags else 0
    unknown = sorted(str(flag) for flag in flags if flag != "fast" and flag not in _FASTMATH)
    if unknown:
        names = ", ".join(("fast", *_FASTMATH))
        raise ValueError(f"fastmath has no flag {', '.join(map(repr, unknown))}. There are: {names}.")
    return sum(bit for name, bit in _FASTMATH.items() if name in flags or "fast" in flags)


def _check_names(options: dict[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            import difflib

            near = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(sorted(_OPTIONS))}."
            raise TypeError(f"jit has no option {name!r}. {hint}")
