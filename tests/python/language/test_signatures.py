"""Signatures that are declared, and what happens to arguments that are not of their types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hasten
from hasten import jit, njit
from hasten._decorators import decorate


def add(x: Any, y: Any) -> Any:
    return x + y


def numba_add(signatures: Any) -> Any:
    return decorate(signatures, {}, dialect="numba")(add)


def test_a_signature_is_compiled_at_once_and_alone() -> None:
    before = hasten.stats()["native_compilations"]
    f = njit("float64(float64, float64)")(add)
    assert hasten.stats()["native_compilations"] == before + 1
    assert f(1.5, 2.0) == 3.5
    assert f(1, 2) == 3.0
    assert hasten.stats()["native_compilations"] == before + 1
    assert f.signatures == [("float64", "float64")]
    assert f.nopython_signatures == ["(float64, float64) -> float64"]


def test_the_declared_result_is_what_comes_back() -> None:
    f = njit("float32(float64, float64)")(add)
    assert type(f(1.5, 2.0)) is np.float32


@pytest.mark.parametrize("signature", ["(int64, int64)", "int64, int64", ("int64", "int64"), ["int64(int64, int64)"]])
def test_spellings(signature: Any) -> None:
    assert njit(signature)(add)(1, 2) == 3


def test_the_best_of_several() -> None:
    f = njit(["(int64, int64)", "(float64, float64)"])(add)
    assert type(f(1, 2)) is np.int64
    assert f(1.5, 2) == 3.5
    assert f(np.int32(1), 2.5) == 3.5
    assert f(np.float32(0.5), np.int8(1)) == 1.5


def test_arguments_that_fit_no_signature() -> None:
    f = njit("(int64, int64)")(add)
    with pytest.raises(TypeError, match=r"No matching definition for argument type\(s\) complex, complex"):
        f(1j, 1j)
    with pytest.raises(TypeError, match=r"No matching definition for argument type\(s\) float, float"):
        f(1.5, 2.5)
    with pytest.raises(TypeError, match="No matching definition"):
        f(np.arange(3), 1)


def test_an_int_that_does_not_fit() -> None:
    f = njit("(int8, int8)")(add)
    assert f(100, 27) == 127
    with pytest.raises(OverflowError, match="300"):
        f(300, 1)
    with pytest.raises(TypeError, match="No matching definition"):
        f(np.int64(1), np.int8(1))


def test_floats_are_narrowed_only_where_they_are_pythons() -> None:
    f = njit("(float32, float32)")(add)
    assert f(0.1, 0.2) == np.float32(0.1) + np.float32(0.2)
    with pytest.raises(TypeError, match="No matching definition"):
        f(np.float64(0.1), np.float64(0.2))


def test_arrays_of_another_layout() -> None:
    def total(a: Any) -> Any:
        result = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                result += a[i, j]
        return result

    loose = njit("(float64[:, :],)")(total)
    strict = njit("(float64[:, ::1],)")(total)
    square = np.arange(9.0).reshape(3, 3)
    assert loose(square) == loose(square.T) == loose(square[::-1]) == strict(square) == 36.0
    with pytest.raises(TypeError, match=r"array\(float64, 2d, F\)"):
        strict(square.T)
    fixed = square.copy()
    fixed.flags.writeable = False
    with pytest.raises(TypeError, match="No matching definition"):
        loose(fixed)


def test_numbas_dialect_converts_unsafely() -> None:
    assert numba_add("(int64,int64)")(1.5, 2.5) == 3
    assert numba_add("(int32,int32)")(12.3, 45.6) == 57
    assert numba_add("(intc,intc)")(2**32 + 5, 1) == 6


def test_numbas_ambiguity() -> None:
    f = numba_add(["(float32,float64)", "(float64,float32)", "(int64,int64)"])
    with pytest.raises(TypeError) as caught:
        f(1.0, 2.0)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("Ambiguous overloading for <function add ")
    assert lines[0].endswith("(float64, float64):")
    assert lines[1:] == ["(float32, float64) -> float64", "(float64, float32) -> float64"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_signature_with_another_number_of_arguments(count: int) -> None:
    with pytest.raises(TypeError, match=f"Signature mismatch: {count} argument types given, but function takes 2 arguments"):
        njit(("int64",) * count)(add)


def test_a_signature_that_names_no_type() -> None:
    with pytest.raises(hasten.errors.TypingError, match="nonsense"):
        njit("nonsense(int64)")(add)


def test_compiling_more_later() -> None:
    f = njit("(int64, int64)")(add)
    f.compile("(float64, float64)")
    assert f(1.5, 2.5) == 4.0
    with pytest.raises(TypeError):
        f(1j, 1j)
    f.disable_compile(False)
    assert f(1j, 1j) == 2j
    f.disable_compile()
    with pytest.raises(TypeError):
        f(np.arange(2), np.arange(2))


def test_numbas_words_for_calls_that_do_not_fit() -> None:
    def three(x: Any, y: Any, z: Any = 3) -> Any:
        return x + y + z

    f = decorate(three, {}, dialect="numba")
    with pytest.raises(TypeError, match="too many arguments: expected 3, got 4"):
        f(1, 2, 3, 4)
    with pytest.raises(TypeError, match="not enough arguments: expected at least 2, got 0"):
        f()
    with pytest.raises(TypeError, match="missing argument 'x'"):
        f(y=6, z=7)
    with pytest.raises(TypeError, match="some keyword arguments unexpected"):
        f(1, 2, w=7)


def test_optional_arguments() -> None:
    @njit("(optional(float64),)")
    def or_one(x: Any) -> Any:
        return 1.0 if x is None else x * 2

    assert or_one(None) == 1.0
    assert or_one(3.0) == 6.0
    assert or_one(3) == 6.0


def test_plain_jit_takes_signatures_too() -> None:
    assert jit("float64(float64, float64)")(add)(1.0, 2) == 3.0
