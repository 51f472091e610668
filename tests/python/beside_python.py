"""Runs a function compiled and by Python, and holds the outcomes against each other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from hasten import njit

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
