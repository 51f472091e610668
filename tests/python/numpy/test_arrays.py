"""Arrays: indexing, slicing, element-wise statements, reductions, creation, products, random numbers; equal bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hasten import errors, njit, numba
from tests.python.beside_python import check

A = np.arange(12.0).reshape(3, 4)
V = np.arange(1.0, 6.0)
I = np.arange(5)  # noqa: E741
M = np.random.default_rng(7).random((40, 30))


def item(a, i, j):
    return a[i, j]


def views(a):
    return a[1:, ::2], a[-1], a[:, 1], a[::-1], a[None, ..., 0]


def slices(v, i, j, k):
    return v[i:j:k]


def assign(a):
    a[0, 0] = 5
    a[1] = 7
    a[:, 2] = a[:, 1]
    a[2, 1:3] += 1
    a[..., -1] *= 2
    return a


def overlap(v):
    v[1:] = v[:-1]
    return v


def create(n):
    return (
        np.zeros(n),
        np.ones((n, 2)),
        np.empty(0),
        np.full(3, 7),
        np.full((2, 2), 2.5),
        np.arange(n),
        np.arange(1, n, 2),
        np.arange(0.0, 1.0, 0.1),
        np.linspace(0, 1, n),
        np.zeros(3, dtype=np.int32),
        np.ones(2, np.uint8),
        np.zeros_like(np.arange(3)),
        np.ones_like(np.zeros(3)),
        np.full_like(np.zeros(2), 3),
        np.eye(3),
        np.array([[1, 2], [3, 4.5]]),
    )


def elementwise(a, b):
    return a + b * 2 - 1, a / b, a**2, -a, a > b, np.sin(a) + np.exp(-b), np.sqrt(a), abs(a)


def broadcast(a, v):
    return a + v, a * v[0], v[:, None] * v


def reductions(a):
    return (
        a.sum(),
        a.mean(),
        a.min(),
        a.max(),
        np.sum(a),
        a.prod(),
        a.std(),
        a.var(),
        a.argmin(),
        a.argmax(),
        a.any(),
        a.all(),
    )


def along_axes(a):
    return a.sum(axis=0), a.sum(1), a.mean(axis=1), a.min(axis=0), a.max(axis=-1), np.sum(a, axis=0, keepdims=True)


def products(a, b):
    return a @ b, np.dot(a, b), a.T @ a, a @ np.ones(a.shape[1])


def inner(a, b):
    return a @ b


def shapes(a):
    return (
        a.shape,
        a.ndim,
        a.size,
        a.T,
        a.reshape(4, 3),
        a.ravel(),
        a.copy(),
        a.astype(np.int32),
        a.reshape(-1),
        a.itemsize,
        a.nbytes,
        len(a),
        a.flatten(),
        a.transpose(),
    )


def random_numbers():
    np.random.seed(3)
    return (
        np.random.random(),
        np.random.rand(3),
        np.random.randn(2, 2),
        np.random.randint(0, 10),
        np.random.randint(0, 100, 5),
        np.random.uniform(1, 2),
        np.random.normal(0, 1, 3),
        np.random.random((2, 3)),
        np.random.randn(),
    )


def choose(a):
    return np.where(a > 3, a, -1.0), np.clip(a, 2, 5), np.maximum(a, 3), np.isnan(a)


def in_place(a):
    a += 1
    a *= a
    a -= a[0]
    return a


def alias(v):
    w = v[1:]
    w[0] = 99
    return v, w


def complex_arrays(a):
    return a.real.sum(), a.imag, np.abs(a), a * 2, a.conj()


def rows(a):
    s = 0.0
    for row in a:
        for x in row:
            s += x
    return s


def global_array():
    return A[1, 2], math.pi


CASES = [
    (item, A, 1, 2),
    (item, A, -1, -1),
    (item, A, 3, 0),
    (item, A, 0, -5),
    (views, A),
    (assign, A),
    (overlap, V),
    (create, 5),
    (elementwise, V, V + 1),
    (elementwise, A, A + 1),
    (elementwise, A.T, (A + 1).T),
    (broadcast, A, np.arange(4.0)),
    (broadcast, A, V),
    (along_axes, A),
    (along_axes, A.T),
    (products, A, A.T.copy()),
    (products, A, A.T),
    (inner, V, V),
    (inner, V, np.ones(4)),
    (shapes, A),
    (shapes, A.T),
    (random_numbers,),
    (choose, A),
    (in_place, V),
    (alias, V),
    (complex_arrays, np.array([1 + 2j, 3 - 1j])),
    (rows, A),
    (global_array,),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_beside_numpy(case):
    check(*case)


@pytest.mark.parametrize("array", [A, V, I, A.T, A[:, ::2], V.astype(np.float32), M, M.T, M[::3, ::-2]])
def test_reductions_have_numpys_bits(array):
    check(reductions, array)


@pytest.mark.parametrize("step", [-3, -1, 1, 2])
def test_slices(step):
    for start in (-7, -2, 0, 1, 4, 9):
        for stop in (-7, -1, 0, 3, 8):
            check(slices, V, start, stop, step)


def test_an_argument_that_is_returned_is_the_same_object():
    def same(a):
        return a

    assert njit(same)(V) is V


def test_many_statements_fuse_and_agree():
    def statements(a, b):
        c = a + b
        d = c * 2.0
        e = d - a
        f = e / 3.0
        g = f + c
        h = g * g - 1.0
        i = np.sqrt(h * h)
        j = i + a - b
        return j * 0.5 + d, (j * d).sum()

    check(statements, M, M + 1)
    check(statements, M.T, M.T + 1)


def test_nothing_is_leaked():
    import hasten

    @njit
    def work(a, n):
        b = a * 2
        for _ in range(n):
            b = b + a
        if n > 5:
            raise ValueError("too many")
        return b

    work(V, 3)
    before = hasten.stats()
    for _ in range(10):
        work(V, 3)
        with pytest.raises(ValueError, match="too many"):
            work(V, 6)
    after = hasten.stats()
    made = after["blocks_allocated"] - before["blocks_allocated"]
    assert made > 0
    assert after["blocks_freed"] - before["blocks_freed"] == made


def test_products_in_place() -> None:
    def in_place(a, b):
        other = a
        a @= b
        return a, other

    check(in_place, M[:5, :5].copy(), M[5:10, :5])
    check(in_place, V.copy(), M[:5, :5])
    check(in_place, np.arange(4).reshape(2, 2), np.arange(4).reshape(2, 2))
    check(in_place, M[:5, :5].copy(), M[:5, :1])
    with pytest.raises(errors.TypingError, match="same_kind"):
        njit(in_place)(np.arange(4).reshape(2, 2), np.ones((2, 2)))
    with pytest.raises(errors.TypingError, match="at least two dimensions"):
        njit(in_place)(M, V)
    with pytest.raises(errors.TypingError, match="numba's rules"):
        numba.njit(in_place)(M[:5, :5].copy(), M[:5, :5])
