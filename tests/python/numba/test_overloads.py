"""Functions that stand for others in compiled code."""

from __future__ import annotations

from typing import Any

import pytest
from hasten.numba import errors, njit, types
from hasten.numba.extending import overload

from hasten import numba


def describe(x: Any, y: Any = 5, z: Any = 6) -> Any:
    raise AssertionError("only for compiled code")


@overload(describe)
def describe_complex(x: Any, y: Any = 5, z: Any = 6) -> Any:
    if isinstance(x, types.Complex):
        return lambda x, y=5, z=6: (x + y, z)
    return None


@overload(describe)
def describe_numbers(x: Any, y: Any = 5, z: Any = 6) -> Any:
    if isinstance(x, types.Number):
        return lambda x, y=5, z=6: (x - y, z)
    return None


def test_the_types_choose() -> None:
    @njit
    def used(a: Any, b: Any) -> Any:
        return describe(a, z=b)

    assert used(1j, 2) == (5 + 1j, 2)
    assert used(1.5, 2.5) == (-3.5, 2.5)


def test_other_functions_stay_unknown() -> None:
    def plain(x: Any) -> Any:
        return x

    @njit
    def used(a: Any) -> Any:
        return plain(a)

    with pytest.raises(errors.TypingError, match="plain Python function"):
        used(1)
    with pytest.raises(errors.TypingError, match="plain Python function"):
        njit(lambda a: describe((a,)))(1)


def test_a_failing_overload_is_a_typing_error() -> None:
    def broken(x: Any) -> Any:
        return x

    @overload(broken)
    def broken_of(x: Any) -> Any:
        raise errors.TypingError("takes no " + str(x))

    with pytest.raises(errors.TypingError, match="takes no int64"):
        njit(lambda a: broken(a))(1)


def test_later_declarations_count() -> None:
    def later(x: Any) -> Any:
        return x

    with pytest.raises(errors.TypingError):
        njit(lambda a: later(a))(1)
    overload(later, jit_options={"boundscheck": False})(lambda x: lambda x: x + 1)
    assert njit(lambda a: later(a))(1) == 2
    assert numba.njit(lambda: later(x=3))() == 4
