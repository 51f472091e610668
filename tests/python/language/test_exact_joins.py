"""Plain jit where a variable is an int on one way and a float on another: Python's types, at no cost in loops."""

# mypy: disable-error-code="assignment, index"
from __future__ import annotations

import math
import re

import numpy as np
import pytest

from hasten import jit, njit, prange
from tests.python.beside_python import check_whole

NONE = np.zeros(0)
SOME = np.arange(1.0, 6.0)


def total(a):
    s = 0
    for x in a:
        s += x
    return s


def total_from_float(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
    return s


def total_of_some(a):
    s = 0
    for x in a:
        if x > 3:
            s += x
    return s


def rows(a):
    s = 0
    last = None
    for i in range(a.shape[0]):
        t = 0
        for j in range(a.shape[1]):
            t += a[i, j]
        s += t
        last = t
    return s, last


def moments(a):
    s = 0.0
    for x in a:
        s += x
    mean = s / len(a)
    variance = 0
    for x in a:
        variance += (x - mean) ** 2
    return mean, variance / len(a)


def stored(a):
    b = np.zeros(3)
    s = 0
    for x in a:
        s += x
    b[1] = s
    b[2] += s
    return b


def folded(a):
    return sum(a), sum(a, 0.5), min(2, a[1]), max(2, a[1])


@pytest.mark.parametrize("a", [NONE, SOME, SOME[:2], SOME.astype("f4"), NONE.astype("i1"), SOME.astype("i8")], ids=repr)
@pytest.mark.parametrize("function", [total, total_from_float, total_of_some, moments, stored])
def test_loops_over_arrays(function, a):
    check_whole(function, a)


@pytest.mark.parametrize("shape", [(2, 3), (2, 0), (0, 2)])
def test_nested_loops(shape):
    check_whole(rows, np.ones(shape))


def test_folds():
    check_whole(folded, SOME)
    check_whole(folded, SOME * 0)


def mixed(n):
    s = 0
    for i in range(n):
        if i % 2:
            s += 1
        else:
            s += 0.5
    compared = s > 1, s == 0, s != 2.5, 0 <= s < 3
    converted = float(s), int(s), round(s), bool(s), math.sqrt(s), math.floor(s), complex(s)
    return s, s / 2, s * 2, s // 1, s % 2, -s, abs(s), s + 1, s - 0.5, divmod(s, 2), compared, converted


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_arithmetic_on_what_may_be_an_int(n):
    check_whole(mixed, n)


def one_operand_twice(n):
    s = 1 if n else 2.5
    return s + s, s * s, s**2, s - s, s < s


def conditional(n):
    return 1 if n > 3 else 2.5


def otherwise(x):
    return x or 0.0, x and 2.5


def extremes(a, b):
    return min(a, b), max(a, b), min(1, 2.5), max(1, 2.5), min((3, b, 1.5))


def nothing(n, x):
    return None if n == 0 else 1 if n == 1 else x


def in_a_tuple(n):
    t = (1, 2.5)
    if n:
        t = (1.5, 2)
    return t, t[0] + t[1]


def over_a_tuple(n):
    r = 0
    for v in (1, 2.5, n):
        r = r + v
    x = 1
    for x in (1.5, 2):  # noqa: B007
        pass
    return r, x


def bool_or_int(n):
    b = n > 3
    if n > 5:
        b = 7
    return b, b + 1


def index_from_array(n):
    a = np.arange(10)
    k = 0
    for _ in range(n):
        k = a[k + 1]
    return k, a[k]


def while_loop(x):
    n = 1
    while n < x:
        n *= 1.5
    return n


def escape_time(c, n):
    z = 0
    for i in range(n):
        z = z * z + c
        if abs(z) > 2:
            return i, z
    return n, z


def halves(n):
    return 0 if n == 0 else halves_again(n - 1) + 0.5


halves_again = jit(halves)


@njit
def half(x):
    return x / 2


@njit
def double(x):
    return x * 2


def calls(n):
    s = 1 if n else 2.5
    return half(s), double(s), half(x=s)


def exact_int(n, k):
    s = n
    for _ in range(k):
        s += 0.5
    return s


def is_what(n):
    s = 1 if n else 2.5
    return isinstance(s, int), isinstance(s, float), s is None


def branches(a, n):
    d = a[1]
    if n:
        d = n
    c = 0
    if d > 1:
        c = 1
    return c, not d > 1, not d, d > 1 and d < 3


def divides_by_zero(n):
    s = 1 if n else 2.5
    return s / (n * 0)


def numpys_or_pythons_zero(a):
    s = 0.0
    for x in a:
        s += x
    return s / 0.0


CALLS = [
    *((one_operand_twice, n) for n in (0, 1)),
    *((conditional, n) for n in (1, 5)),
    *((otherwise, x) for x in (0, 3, 0.0, np.float64(0))),
    *((extremes, a, b) for a, b in ((1, 2.5), (3, 2.5), (2, 2.0), (True, 1), (np.float32(2), 1))),
    *((nothing, n, 2.5) for n in (0, 1, 2)),
    *((in_a_tuple, n) for n in (0, 1)),
    *((over_a_tuple, n) for n in (1, 1.5)),
    *((bool_or_int, n) for n in (1, 5, 9)),
    *((index_from_array, n) for n in (0, 2)),
    *((while_loop, x) for x in (0.5, 9.0)),
    *((escape_time, c, n) for c, n in ((0.3 + 0.1j, 50), (0.3 + 0.1j, 0), (1.0, 10), (1, 3))),
    *((halves, n) for n in (0, 3)),
    *((calls, n) for n in (0, 1)),
    *((exact_int, 2**62 + 1, k) for k in (0, 1)),
    *((is_what, n) for n in (0, 1)),
    *((branches, SOME, n) for n in (0, 1, 5)),
    *((divides_by_zero, n) for n in (0, 1)),
    *((numpys_or_pythons_zero, a) for a in (NONE, SOME)),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0].__name__}-{call[1:]}")
def test_values_that_may_have_two_types(call):
    check_whole(*call)


def test_a_union_in_a_message_is_what_it_is():
    def fails(n):
        s = 1 if n else 2.5
        raise ValueError(f"got {s}", s)

    for n, expected in ((0, ("got 2.5", 2.5)), (1, ("got 1", 1))):
        with pytest.raises(ValueError) as raised:
            jit(fails)(n)
        assert raised.value.args == expected
        assert type(raised.value.args[1]) is type(expected[1])


def test_njit_makes_one_type_of_it():
    assert njit(total)(NONE) == 0
    assert type(njit(total)(NONE)) is np.float64
    assert type(njit(conditional)(5)) is float


def test_the_types_are_shown():
    compiled = jit(conditional)
    compiled(1)
    assert compiled.nopython_signatures == ["(int) -> float | int"]


def test_the_loop_carries_no_tag():
    """In the machine's loop stand the addition and the count, and no phi but theirs."""
    for add_up in (total, total_from_float):
        compiled = jit(add_up)
        compiled(SOME)
        (code,) = compiled.inspect_llvm().values()
        loop = [block for block in re.split(r"\n(?=[\w.]+:)", code) if "fadd" in block]
        assert len(loop) == 1
        assert len(re.findall(r"= phi ", loop[0])) == 2
        assert not re.search(r"select|\band\b|\bor\b", loop[0])


def test_the_loop_is_vectorised():
    compiled = jit(fastmath=True)(total)
    compiled(SOME)
    (code,) = compiled.inspect_llvm().values()
    assert re.search(r"fadd fast <\d+ x double>", code)


def parallel_totals(a):
    s = 0
    low = 1000
    n = 0
    for i in prange(len(a)):
        s += a[i]
        low = min(low, a[i])
        n += 1
    return s, low, n


@pytest.mark.parametrize("a", [NONE, SOME, SOME.astype("i8")], ids=repr)
def test_parallel_reductions(a):
    check_whole(parallel_totals, a, parallel=True)


def test_an_error_for_one_of_the_types_leaves_the_function_to_python():
    def indexes(n):
        s = 1 if n else 2.5
        return (10, 20)[s]

    with pytest.warns(match="is not compiled as a whole"):
        assert jit(indexes)(1) == 20
