"""Ufuncs and gufuncs of compiled functions, called from compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hasten import errors, guvectorize, njit, numba, vectorize
from tests.python.beside_python import check


@vectorize
def cube(x):
    return x * x * x


@vectorize(["int64(int64, int64)", "float64(float64, float64)"])
def capped(x, top):
    return x if x < top else top


@guvectorize(["void(float64[:], int64, float64[:])"], "(n),()->(n)")
def shifted(x, by, out):
    for i in range(len(x)):
        out[i] = x[i] + by


@guvectorize("(n),(n)->()")
def inner(x, y, out):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    out[0] = total


@guvectorize(["float64[:], float64[:,:]"], "(n)->(n,n)")
def outer(x, out):
    for i in range(len(x)):
        for j in range(len(x)):
            out[i, j] = x[i] * x[j]


A = np.arange(24.0).reshape(2, 3, 4)


def test_ufuncs_of_scalars_and_arrays() -> None:
    def used(x):
        return cube(x), cube(x) + 1

    for x in (1.5, 2, np.float32(0.5), A, A[:, ::2].T, np.arange(3, dtype=np.int16)):
        check(used, x)


def test_signatures_choose_as_numpy_does() -> None:
    def used(x, top):
        return capped(x, top)

    for x, top in ((3, 2), (3, 2.5), (A, 4), (np.arange(5), 2), (np.arange(5, dtype=np.int32), np.float64(2.5))):
        check(used, x, top)
    with pytest.raises(errors.TypingError, match=r"capped\(\) has no loop for \(complex, int\)"):
        njit(used)(1j, 2)


def test_gufuncs_loop_over_what_is_no_core_dimension() -> None:
    def used(x, by):
        return shifted(x, by)

    for x in (A[0, 0], A, A.transpose(2, 0, 1), A[:, :, ::-1], np.zeros((0, 3)), np.arange(4)):
        check(used, x, 3)
    check(used, A, np.arange(3))
    check(used, A[:, :1], np.arange(6).reshape(2, 3))


def test_outputs_are_written_in_place() -> None:
    def used(x, y, out):
        inner(x, y, out)
        return out

    check(used, A, A, np.zeros((2, 3)))
    check(used, A, A[0, 1], np.zeros((2, 3)))
    check(used, A, A[:, :1], np.zeros((2, 6))[:, ::2])


def test_outputs_may_have_more_dimensions() -> None:
    def used(x):
        return outer(x)

    check(used, A[0, 1])
    check(used, A)


def test_shapes_that_do_not_fit() -> None:
    @njit
    def used(x: Any, y: Any, out: Any) -> Any:
        return inner(x, y, out)

    with pytest.raises(ValueError, match="mismatch in one of its core dimensions: inner, Input operand 1"):
        used(A, A[:, :, :3], np.zeros((2, 3)))
    for x, y, out in ((A, A[:, :2], np.zeros((2, 3))), (A, A, np.zeros(3)), (A[:, :1], A[:, :1], np.zeros((2, 3, 1)))):
        if out.ndim == 3:
            assert used(x, y, np.zeros((4, 2, 1))).shape == (4, 2, 1)
            continue
        with pytest.raises(ValueError, match="Loop and array shapes are incompatible"):
            used(x, y, out)
    with pytest.raises(
        errors.TypingError, match=r"Input operand 1 does not have enough dimensions \(has 0, gufunc core"
    ):
        used(A, 2.0, np.zeros((2, 3)))
    with pytest.raises(errors.TypingError, match="Too few arguments for function 'inner'"):
        njit(lambda x: inner(x, x))(A)
    with pytest.raises(errors.TypingError, match="takes 2 inputs, and its outputs behind them: 3; it got 1"):
        njit(lambda x: inner(x))(A)


def test_inputs_that_share_memory_with_outputs_are_copied_as_numpy_copies_them() -> None:
    @guvectorize(["void(float64[:], float64[:])"], "(n)->(n)")
    def running(x, out):
        for i in range(len(x)):
            out[i] = x[len(x) - 1 - i]

    def used(x):
        running(x, x)
        running(x[1:], x[:-1])
        running(x[:, ::-1], x)
        return x

    check(used, A.copy())
    check(used, A[0].copy())
    check(used, A[0].T.copy())


def test_ufuncs_may_be_arguments() -> None:
    def used(u, x):
        return u(x)

    for x in (3.0, A):
        expected, found = used(cube, x), njit(used)(cube, x)
        assert type(expected) is type(found)
        assert np.array_equal(expected, found)


def test_errors_of_the_function_leave_the_loops() -> None:
    @guvectorize("(n)->()")
    def first(x, out):
        if len(x) == 0:
            raise ValueError("nothing")
        out[0] = x[0]

    @njit
    def used(x: Any, out: Any) -> Any:
        return first(x, out)

    assert used(A, np.zeros((2, 3))).tolist() == A[:, :, 0].tolist()
    with pytest.raises(ValueError, match="nothing"):
        used(np.zeros((2, 0)), np.zeros(2))


def test_numbas_gufuncs_are_called_too() -> None:
    @numba.guvectorize("(n),()->(n)")
    def scaled(x, by, out):
        for i in range(x.shape[0]):
            out[i] = x[i] * by

    @numba.njit
    def used(x: Any, by: Any, out: Any) -> None:
        scaled(x, by, out)

    out = np.zeros_like(A)
    used(A, 2, out)
    assert np.array_equal(out, A * 2)
