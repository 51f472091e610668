"""numba's gufuncs: built by signatures, or compiled for what they are called with."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hasten.numba import float64, guvectorize, int64
from hasten.numba.np.ufunc import GUVectorize


def add(x: Any, y: Any, out: Any) -> None:
    """Add a number."""
    for i in range(x.shape[0]):
        out[i] = x[i] + y


def test_a_dynamic_one_compiles_at_its_calls_and_needs_its_outputs() -> None:
    made = guvectorize("(n),()->(n)")(add)
    assert made.is_dynamic
    assert made.signature == "(n),()->(n)"
    assert (made.__name__, made.__doc__, made.__module__) == ("add", "Add a number.", __name__)
    out = np.zeros(3, np.float32)
    made(np.arange(3, dtype=np.float32), np.float32(1), out)
    assert out.tolist() == [1.0, 2.0, 3.0]
    wide = np.zeros((2, 3))
    made(np.arange(3), 0.5, out=wide)
    assert wide.tolist() == [[0.5, 1.5, 2.5]] * 2
    assert made.types == ["ff->f", "ld->d"]
    with pytest.raises(TypeError, match="Too few arguments for function 'add'"):
        made(np.arange(3), 1)
    made.disable_compile()
    with pytest.raises(TypeError):
        made(np.arange(3, dtype=np.int8), np.int8(1), np.zeros(3, np.int8))


def test_outputs_tell_their_types() -> None:
    @guvectorize("(x)->(x),(x)")
    def both(a: Any, b: Any, c: Any) -> None:
        for i in range(a.size):
            b[i] = a[i]
            c[i] = a[i] * 1.5

    b, c = np.zeros(3, np.int32), np.zeros(3)
    both(np.arange(3, dtype=np.int32), b, c)
    assert b.tolist() == [0, 1, 2]
    assert c.tolist() == [0.0, 1.5, 3.0]


def test_signatures_may_be_added_one_by_one() -> None:
    made = GUVectorize(add, "(n),()->(n)")
    made.add("int64[:], int64, int64[:]")
    made.add((float64[:], float64, float64[:]))
    built = made.build_ufunc()
    assert not built.is_dynamic
    assert built.types == ["ll->l", "dd->d"]
    assert built(np.arange(3), 0.5).tolist() == [0.5, 1.5, 2.5]
    with pytest.raises(RuntimeError, match="compilation disabled"):
        built.add("int8[:], int8, int8[:]")


def test_ranks_must_be_those_of_the_layout() -> None:
    with pytest.raises(TypeError, match="scalar type int64 given for non scalar argument #2"):
        guvectorize([(int64[:], int64, int64[:])], "(n),(n)->(n)")(add)
    with pytest.raises(TypeError, match="type and shape signature mismatch for arg #1"):
        guvectorize([(int64[:], int64, int64[:])], "(m,n),()->(n)")(add)


def test_pickles_keep_what_was_compiled() -> None:
    @guvectorize("()->()", identity=1)
    def double(x: Any, out: Any) -> None:
        out[0] = x * 2

    double(0.5, out=np.zeros(()))
    copy = pickle.loads(pickle.dumps(double))
    copy.disable_compile()
    out = np.zeros(4)
    copy(np.arange(4.0), out=out)
    assert out.tolist() == [0.0, 2.0, 4.0, 6.0]
    assert copy.identity == 1

    @guvectorize([(float64, float64[:])], "()->()")
    def half(x: Any, out: Any) -> None:
        out[0] = x / 2

    assert pickle.loads(pickle.dumps(half))(5) == 2.5
    assert pickle.loads(pickle.dumps(DECLARED)) is DECLARED


DECLARED = guvectorize([(float64[:], float64, float64[:])], "(n),()->(n)")(add)
DECLARED.__qualname__ = "DECLARED"
