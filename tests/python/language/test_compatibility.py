"""docs/compatibility.md, line by line: what compiled code does where it differs from Python, NumPy or numba."""

# mypy: disable-error-code="assignment"
from __future__ import annotations

import cmath
import math

import hasten.numba as nb
import numpy as np
import pytest
from hasten.errors import TypingError

from hasten import jit, njit, prange


def next_one(x):
    return x + 1


def test_ints_have_64_bits():
    assert njit(next_one)(2**63 - 1) == -(2**63)
    with pytest.raises(OverflowError):
        jit(next_one)(2**63 - 1)
    assert jit(overflow="wrap")(next_one)(2**63 - 1) == -(2**63)
    with pytest.raises(OverflowError):
        njit(overflow="raise")(next_one)(2**63 - 1)

    def large():
        return 9223372036854775808

    with pytest.raises(TypingError, match="64 bits"):
        njit(large)()


def total(a, s):
    for x in a:
        s += x
    return s


def test_variables_of_two_types_are_numpys_under_njit():
    def from_int(a):
        s = 0
        for x in a:
            s += x
        return s

    def of_python(n):
        s = 0
        for _ in range(n):
            s += 0.5
        return s

    assert type(njit(of_python)(0)) is float
    assert type(njit(from_int)(np.zeros(0))) is np.float64
    assert type(njit(total)(np.zeros(0), 0.0)) is np.float64
    assert type(jit(of_python)(0)) is type(jit(from_int)(np.zeros(0))) is int
    assert type(jit(total)(np.zeros(0), 0.0)) is float


def test_more_than_four_types_are_left_to_python():
    def many(n):
        x = np.int8(1)
        if n == 1:
            x = 1
        elif n == 2:
            x = 2.5
        elif n == 3:
            x = 1j
        elif n == 4:
            x = np.float32(2)
        return x

    with pytest.warns(match="is not compiled as a whole"):
        assert type(jit(many)(0)) is np.int8


def test_a_reduction_over_prange_has_one_type():
    def some(a):
        s = 0
        for i in prange(len(a)):
            if a[i] > 10:
                s += a[i]
        return s

    a = np.arange(5.0)
    assert type(some(a)) is int
    assert type(jit(parallel=True)(some)(a)) is np.float64
    assert type(jit(parallel=True)(some)(a[:0])) is int
    assert type(jit(some)(a)) is int

    def product(a):
        p = 1.0
        for i in prange(len(a)):
            p *= a[i]
        return p

    values = 1 + np.arange(1.0, 10001.0) * 1e-9
    assert math.isclose(jit(parallel=True)(product)(values), product(values), rel_tol=1e-12)


def test_ints_beyond_the_floats_are_rounded():
    def equals(n, x):
        return n == x, n / 3

    large = 2**53 + 1
    assert equals(large, 2.0**53) == (False, 3002399751580331.0)
    assert njit(equals)(large, 2.0**53) == (True, 2.0**53 / 3)


def power(x, y):
    return x**y


@pytest.mark.parametrize("decorator", [jit, njit])
def test_powers_that_have_another_type(decorator):
    for base, exponent in ((2, -1), (-8.0, 0.5)):
        with pytest.raises(ValueError):
            decorator(power)(base, exponent)


def test_functions_of_the_c_library():
    def all_of(x, z):
        reals = math.gamma(x), math.lgamma(x), math.hypot(x, x, x), math.dist((x, x), (1.0, 2.0))
        return *reals, cmath.sin(z), cmath.atan(z), cmath.exp(z), cmath.log(z)

    for x in (0.1, 2.3, 17.7):
        assert np.allclose(njit(all_of)(x, x + 1j), all_of(x, x + 1j), rtol=1e-13, atol=0)


def test_memory_order_of_transposed_operands():
    def added(a):
        return a + 1, a.sum(axis=(0, 2))

    a = np.random.default_rng(1).random((3, 40, 50)).transpose(1, 0, 2)
    for expected, actual in zip(added(a), njit(added)(a), strict=True):
        assert np.allclose(expected, actual, rtol=1e-14)
    assert added(a)[0].strides != njit(added)(a)[0].strides


def test_long_long_is_int64():
    a = np.array([1, 2], dtype="q")
    assert type(a[0] + a[1]) is np.longlong
    assert type(njit(lambda a: a[0] + a[1])(a)) is np.int64


def test_messages_that_name_operations():
    with pytest.raises(ZeroDivisionError, match="float floor division by zero"):
        njit(lambda x: divmod(x, 0))(1.0)


def wrong_axis(a):
    return a.sum(axis=3)


def too_large(x):
    return x[0] + 300


def wrong_cast(a):
    a += 1.5


REFUSED_EARLY = [(wrong_axis, np.ones(3)), (too_large, np.ones(1, "i1")), (wrong_cast, np.ones(3, "i4"))]


@pytest.mark.parametrize("call", REFUSED_EARLY, ids=lambda call: call[0].__name__)
def test_what_the_types_tell(call):
    function, argument = call
    with pytest.raises(TypingError):
        njit(function)(argument)
    with pytest.raises(Exception) as theirs:
        function(argument)
    with pytest.warns(match="is not compiled as a whole"), pytest.raises(type(theirs.value)) as ours:
        jit(function)(argument)
    assert str(ours.value) == str(theirs.value)


def grows(n):
    items = []
    items.append(n)
    return len(items)


def returns_a_list(n):
    return [1, n]


def makes_a_dict(n):
    return {n: 1}[n]


def makes_a_set(n):
    return len({n, 1})


def makes_a_string(n):
    return len(f"{n}")


def tries(n):
    try:
        return 1 / n
    except ZeroDivisionError:
        return 0.0


def enters(n):
    with np.errstate(all="ignore"):
        return n


def matches(n):
    match n:
        case 1:
            return 2
    return 3


def comprehends(n):
    return sum([i * i for i in range(n)])


def generates(n):
    return sum(i * i for i in range(n))


def defines(n):
    def inner(x):
        return x + n

    return inner(2)


def has_a_lambda(n):
    twice = lambda x: x * 2  # noqa: E731
    return twice(n)


def has_a_class(n):
    class Thing:
        size = 3

    return Thing.size + n


def indexes_by_arrays(n):
    return np.arange(5.0)[np.array([0, n])].sum()


def is_same(n):
    return n is n


def three_dimensions(n):
    return (np.ones((n, 2, 2)) @ np.ones((n, 2, 2))).sum()


def has_initial(n):
    return np.sum(np.ones(n), initial=5.0)


def has_where(n):
    return np.sum(np.ones(n), where=np.ones(n) > 2)


def draws_bytes(n):
    return np.random.randint(n, n + 1, dtype=np.uint8)


NOT_YET = [
    *(grows, returns_a_list, makes_a_dict, makes_a_set, makes_a_string, tries, enters, matches, comprehends, generates),
    *(
        defines,
        has_a_lambda,
        has_a_class,
        indexes_by_arrays,
        is_same,
        three_dimensions,
        has_initial,
        has_where,
        draws_bytes,
    ),
]


@pytest.mark.parametrize("function", NOT_YET)
def test_not_compiled_yet(function):
    with pytest.raises(TypingError) as refused:
        njit(function)(3)
    assert len(str(refused.value).splitlines()) <= 15
    with pytest.warns(match="is not compiled as a whole") as warned:
        result = jit(function)(3)
    assert len(warned) == 1
    assert result == function(3)
    assert type(result) is type(function(3))


# ---------------------------------------------------------------- numba


def test_vectorize_makes_true_ufuncs():
    @nb.vectorize
    def added(x, y):
        return x + y

    assert type(added) is np.ufunc
    assert not hasattr(added, "add")
    assert added(1.0, 2.0) == 3.0
    assert added.types == []


def test_variables_without_a_value_raise():
    @nb.njit
    def unbound(n):
        if n > 10:
            y = 1
        return y

    with pytest.raises(UnboundLocalError):
        unbound(3)


def test_races_are_refused():
    @nb.njit(parallel=True)
    def races(a):
        last = 0.0
        for i in nb.prange(len(a)):
            last = a[i]
        return last

    with pytest.raises(nb.core.errors.TypingError, match="`last`"):
        races(np.ones(3))


def test_indexes_are_checked():
    with pytest.raises(IndexError):
        nb.njit(lambda a, i: a[i])(np.ones(3), 3)


def test_random_numbers_are_one_stream():
    @nb.njit
    def draw():
        return np.random.random()

    np.random.seed(3)
    expected = np.random.random(), np.random.random(), np.random.random()
    np.random.seed(3)
    assert (np.random.random(), draw(), np.random.random()) == expected
