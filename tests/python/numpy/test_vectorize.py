"""vectorize and guvectorize: true ufuncs and gufuncs, with all that NumPy does with them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hasten import guvectorize, vectorize


@vectorize
def hypotenuse(x, y):
    return (x * x + y * y) ** 0.5


@vectorize(["int64(int64,int64)", "float64(float64,float64)"], identity=0)
def add(a, b):
    return a + b


@guvectorize("(m,n),(n,p)->(m,p)")
def multiply(a, b, out):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            s = 0.0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            out[i, j] = s


def test_compiled_when_first_called():
    assert isinstance(hypotenuse, np.ufunc)
    assert hypotenuse([3.0, 5.0], [4.0, 12.0]).tolist() == [5, 13]
    assert hypotenuse(3, 4) == 5
    assert hypotenuse(np.float32(3), 4.0).dtype == np.float32
    assert hypotenuse(np.arange(3, dtype=np.int32), 1).dtype == np.float64
    assert hypotenuse(np.ones((2, 1)), np.ones(3)).shape == (2, 3)


def test_eager_loops_and_methods():
    assert add(1, 2).dtype == np.int64
    assert add(np.arange(3), 1.5).tolist() == [1.5, 2.5, 3.5]
    assert add.reduce(np.arange(10)) == 45
    assert add.reduce(np.array([], dtype=np.int64)) == 0
    assert add.accumulate(np.arange(5.0)).tolist() == [0, 1, 3, 6, 10]
    assert add.outer([1, 2], [10, 20]).tolist() == [[11, 21], [12, 22]]
    x = np.zeros(3)
    add.at(x, [0, 0, 1], 1.0)
    assert x.tolist() == [2, 1, 0]
    assert add(np.arange(4), 1, where=[True, False, True, False], out=np.zeros(4, int)).tolist() == [1, 0, 3, 0]


def test_threads_may_compile_the_same_loop_at_once():
    together = threading.Barrier(4)

    def call(function):
        together.wait()
        return function(np.arange(3)).tolist()

    with ThreadPoolExecutor(4) as threads:
        for number in range(10):
            functions = [vectorize(eval(f"lambda x: x + {number}"))] * 4
            assert list(threads.map(call, functions)) == [[number, number + 1, number + 2]] * 4


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_targets(target):
    @vectorize(["float64(float64)"], target=target)
    def squared_sine(x):
        return np.sin(x) ** 2

    v = np.random.default_rng(0).random(300_000)
    np.testing.assert_allclose(squared_sine(v), np.sin(v) ** 2, rtol=1e-14)


def test_generalised():
    rng = np.random.default_rng(2)
    a, b = rng.random((4, 3, 5)), rng.random((5, 2))
    np.testing.assert_allclose(multiply(a, b), a @ b)
    np.testing.assert_allclose(multiply(a, b, axes=[(-2, -1), (-2, -1), (-1, -2)]), np.swapaxes(a @ b, -1, -2))
    with pytest.raises(ValueError, match="mismatch in its core dimension 0"):
        multiply(np.ones((2, 3)), np.ones((4, 2)))


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_generalised_with_signatures(target):
    @guvectorize(["void(float64[:],float64,float64[:])"], "(n),()->(n)", target=target)
    def shift(x, y, result):
        for i in range(x.shape[0]):
            result[i] = x[i] + y

    assert shift(np.arange(6.0).reshape(2, 3), [1.0, 2.0]).tolist() == [[1, 2, 3], [5, 6, 7]]


@pytest.mark.parametrize("signatures", [[], ["int64(int64,int64)"]], ids=["lazy", "eager"])
def test_exceptions_come_through(signatures):
    def quotient(a, b):
        if b == 0:
            raise ValueError("zero!")
        return a // b

    with pytest.raises(ValueError, match="zero!"):
        vectorize(signatures)(quotient)(np.arange(3), np.arange(3))


def test_bad_arguments_are_refused():
    with pytest.raises(KeyError, match="no option 'nonsense'"):
        vectorize(nonsense=True)(lambda x: x)
    with pytest.raises(ValueError, match="target must be"):
        vectorize(target="gpu")(lambda x: x)
    with pytest.raises(ValueError, match="one arrow"):
        guvectorize("(n)")(lambda x: x)
    with pytest.raises(Exception, match="has 1 arguments, the function has 2 parameters"):
        vectorize(["float64(float64)"])(lambda x, y: x)
