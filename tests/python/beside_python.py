"""Runs a function compiled and by Python, and holds the outcomes against each other."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from hasten.errors import HastenWarning
from hasten.numba import njit as numba_njit

from hasten import jit, njit

if TYPE_CHECKING:
    from collections.abc import Callable


def equal(expected: Any, actual: Any) -> bool:
    """Whether two results have the same types and the same bits; NaN equals NaN."""
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, tuple):
        return len(expected) == len(actual) and all(map(equal, expected, actual))
    if isinstance(expected, np.ndarray):
        same_kind = expected.dtype == actual.dtype and expected.shape == actual.shape
        return same_kind and np.array_equal(expected, actual, equal_nan=expected.dtype.kind in "fc")
    return bool(expected == actual or (expected != expected and actual != actual))


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """What a call gives or raises, on arguments of its own."""
    try:
        with np.errstate(all="ignore"):
            return "returns", function(*copy.deepcopy(arguments))
    except Exception as error:
        return f"raises {type(error).__name__}", None


def check(function: Callable[..., Any], *arguments: Any) -> None:
    """Assert that the compiled function does what Python does."""
    expected, actual = outcome(function, arguments), outcome(njit(function), arguments)
    assert expected[0] == actual[0], f"Python {expected}, compiled {actual}"
    assert equal(expected[1], actual[1]), f"Python {expected[1]!r}, compiled {actual[1]!r}"


def check_whole(function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Assert that plain jit compiles the function as a whole, and that it does what Python does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", HastenWarning)
        expected, actual = outcome(function, arguments), outcome(jit(**options)(function), arguments)
    assert expected[0] == actual[0], f"Python {expected}, compiled {actual}"
    assert equal(expected[1], actual[1]), f"Python {expected[1]!r}, compiled {actual[1]!r}"


def close(expected: Any, actual: Any) -> bool:
    """Whether two results are the same numbers, whatever their types."""
    if isinstance(expected, tuple):
        return isinstance(actual, tuple) and len(expected) == len(actual) and all(map(close, expected, actual))
    if isinstance(expected, int | float | complex | np.number | np.bool_ | np.ndarray):
        same_shape = np.shape(expected) == np.shape(actual)
        return same_shape and bool(np.allclose(expected, actual, rtol=1e-12, atol=0, equal_nan=True))
    return bool(expected == actual)


def check_everywhere(function: Callable[..., Any], *arguments: Any) -> None:
    """Assert that jit and njit do what Python does, and that numba's dialect gives the same numbers."""
    check_whole(function, *arguments)
    check(function, *arguments)
    expected, actual = outcome(function, arguments), outcome(numba_njit(function), arguments)
    assert expected[0] == actual[0], f"Python {expected}, compiled by numba's rules {actual}"
    assert close(expected[1], actual[1]), f"Python {expected[1]!r}, compiled by numba's rules {actual[1]!r}"
