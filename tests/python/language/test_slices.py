"""Slice objects as values."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest

from hasten import errors, njit, numba
from tests.python.beside_python import check

CONSTANT = slice(1, None, 2)
ITEMS = (10, 20.5, 30, 40.5)


def parts(s: Any) -> Any:
    return s.start, s.stop, s.step


def indices(s: Any, n: Any) -> Any:
    return s.indices(n)


def made(args: Any, a: Any) -> Any:
    return a[slice(*args)]


def of_constant(a: Any) -> Any:
    return ITEMS[CONSTANT], a[CONSTANT], CONSTANT


def test_parts() -> None:
    for s in (slice(None), slice(3), slice(1, -2), slice(None, 5, -1)):
        check(parts, s)


def test_numba_has_numbers_in_place_of_none() -> None:
    compiled = numba.njit(parts)
    assert compiled(slice(None)) == (0, sys.maxsize, 1)
    assert compiled(slice(None, None, -2)) == (sys.maxsize, -sys.maxsize - 1, -2)
    assert compiled(slice(4, -1, 3)) == (4, -1, 3)
    with pytest.raises(TypeError, match="slice parts must be integers or None, not float64"):
        compiled(slice(1.5))


def test_indices() -> None:
    bounds = (None, -9, -3, -1, 0, 2, 9)
    for start, stop, step in itertools.product(bounds, bounds, (None, -4, -1, 1, 3)):
        for length in (0, 1, 5):
            check(indices, slice(start, stop, step), length)
    check(indices, slice(1, 2, 0), 3)
    check(indices, slice(1, 2), -3)


def test_indices_of_parts_that_may_be_none() -> None:
    def chosen(flag: Any, n: Any) -> Any:
        start = None if flag else -2
        return slice(start, None).indices(n)

    check(chosen, True, 5)
    check(chosen, False, 5)


def test_bounds_that_may_be_none() -> None:
    def chosen(start, stop, step, a):
        return a[slice(start if start != 99 else None, stop if stop != 99 else None, step if step != 99 else None)]

    for bounds in itertools.product((99, -7, -2, 0, 3), (99, -7, -2, 0, 3), (99, -2, 1, 3)):
        check(chosen, *bounds, np.arange(5))


def test_indices_says_what_it_takes() -> None:
    with pytest.raises(errors.TypingError, match=r"takes exactly one argument \(3 given\)"):
        njit(lambda s: s.indices(1, 2, 3))(slice(None))
    with pytest.raises(errors.TypingError, match="'float' object cannot be interpreted as an integer"):
        njit(indices)(slice(None), 1.5)


def test_constructor() -> None:
    a = np.arange(10)
    for args in ((None,), (5,), (1, None), (None, 2), (None, None, 3), (10, None, -1), (8, 2, -2)):
        check(made, args, a)
    with pytest.raises(errors.TypingError, match="slice expected at most 3 arguments, got 4"):
        njit(made)((1, 2, 3, 4), a)


def test_a_global_slice_is_a_constant() -> None:
    check(of_constant, np.arange(6))
