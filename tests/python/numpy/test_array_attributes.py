"""Attributes of arrays and of their dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hasten import errors, njit, numba
from tests.python.beside_python import check

A = np.arange(12.0).reshape(3, 4)
C = A + 2j


def dtypes(a):
    return (
        a.dtype,
        a.dtype.itemsize,
        a.dtype.type,
        a.dtype == np.dtype("float64"),
        a.dtype == np.float32,
        np.dtype(np.int8),
    )


def of_dtypes(a):
    return np.zeros(2, a.dtype), np.ones(2, np.dtype("int16")), a.astype(a.dtype)


def names(a):
    return a.dtype.name, a.dtype.kind


def viewed(a):
    return a.view(np.int64), a.view(np.uint32), a.view(a.dtype)


def widened(a):
    return a.view(np.complex128)


def address(a):
    return a.ctypes.data


def imaginary(a):
    return a.imag


def read_only(a):
    a.imag[0] = 1


@pytest.mark.parametrize("a", [A, A.astype(np.float32), np.arange(3, dtype=np.uint8), A > 2])
def test_dtypes(a: Any) -> None:
    check(dtypes, a)
    check(of_dtypes, a)
    check(names, a)


def test_the_dtype_of_dates_keeps_its_unit() -> None:
    for unit in ("D", "25s", "generic"):
        check(lambda a: a.dtype, np.zeros(2, f"M8[{unit}]"))


def test_views() -> None:
    check(viewed, A)
    check(viewed, A[::2])
    check(widened, A)
    check(widened, A[:, :3])
    check(widened, A[:, ::2])
    check(lambda a: a.T.view(np.int64), A)
    a = A.copy()
    njit(viewed)(a)[0][0, 0] = 2**62
    assert a[0, 0] == 2.0
    with pytest.raises(errors.TypingError, match="0d array"):
        njit(lambda a: a.view(np.int8))(np.array(1.0))


def test_the_address_is_that_of_the_first_item() -> None:
    for a in (A, A[1:, ::-1]):
        assert njit(address)(a) == a.ctypes.data


def test_real_numbers_have_an_imaginary_part_that_is_read_only() -> None:
    check(imaginary, A)
    check(imaginary, C)
    found = njit(imaginary)(np.arange(4))
    assert not found.flags.writeable
    assert np.array_equal(found, np.zeros(4))
    with pytest.raises(errors.TypingError, match="assignment destination is read-only"):
        njit(read_only)(A)
    with pytest.raises(errors.TypingError, match="Cannot modify readonly array of type: array"):
        numba.njit(read_only)(A)
    c = C.copy()
    njit(imaginary)(c)[0, 0] = 9
    assert c[0, 0] == 9j
