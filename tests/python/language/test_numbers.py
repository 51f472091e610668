"""Scalars: the operators on all kinds of numbers, math and cmath, with Python's and NumPy's types and errors."""

from __future__ import annotations

import cmath
import itertools
import math

import numpy as np
import pytest

from hasten import jit, njit
from tests.python.beside_python import check, equal, outcome


def arithmetic(a, b):
    return a + b, a * b, a - b, a / b, a > b, -a


def quotient(a, b):
    return a / b


def power(a, b):
    return a**b


def numpy_power(a, b):
    return np.power(a, b)


def floor_division(a, b):
    return a // b, a % b


def bits(a, b):
    return a & b, a | b, a ^ b, a << b, a >> b, ~a


def math_functions(x):
    return (
        math.sin(x),
        math.exp(x),
        math.log(x),
        math.sqrt(x),
        math.floor(x),
        math.ceil(x),
        math.atan2(x, 2.0),
        math.hypot(x, 3),
        math.pi * x,
        math.isnan(x),
        math.fabs(-x),
        math.pow(x, 2.5),
        math.trunc(x),
        math.gcd(12, 18),
        math.factorial(5),
    )


def complex_functions(z):
    return (
        cmath.sqrt(z),
        cmath.exp(z),
        cmath.phase(z),
        abs(z),
        z * z,
        z / (1 + 2j),
        z.real,
        z.imag,
        z.conjugate(),
        z**2,
        z == z,
        cmath.polar(z),
    )


def builtins(a, b):
    return (
        abs(-a),
        min(a, b),
        max(a, b, 3),
        round(2.567, 1),
        round(2.5),
        int(3.9),
        float(a),
        bool(a),
        divmod(a, b),
        pow(a, 2),
        a**b,
        complex(a, b),
    )


def literals():
    return 1_000_000_007 * 3, 2**10, 2**-1, 7 // 2, 1e300 * 10, 0x7FFFFFFFFFFFFFFF


LEFT = [np.float32(1.5), np.int8(100), np.uint8(200), np.float64(2), 3, 2.5, np.int64(5), True]
RIGHT = [np.float32(2), np.int8(27), 2, 1.5, np.uint16(3)]
DIVISIONS = [
    (7, 2),
    (-7, 2),
    (7, -2),
    (1, 0),
    (7.5, 2.0),
    (-7.5, 2.0),
    (1.0, 0.0),
    (np.float64(1), np.float64(0)),
    (np.int32(7), np.int32(-2)),
    (7, 2.5),
]


@pytest.mark.parametrize("a", LEFT, ids=repr)
@pytest.mark.parametrize("b", RIGHT, ids=repr)
def test_arithmetic(a, b):
    check(arithmetic, a, b)


@pytest.mark.parametrize("pair", DIVISIONS, ids=repr)
def test_division(pair):
    check(quotient, *pair)
    check(floor_division, *pair)


@pytest.mark.parametrize(
    "pair", [(12, 3), (-12, 2), (np.int32(12), np.int32(3)), (np.uint8(200), np.uint8(3))], ids=repr
)
def test_bits(pair):
    check(bits, *pair)


@pytest.mark.parametrize("x", [2.3, -1.0, 0.5])
def test_math(x):
    check(math_functions, x)


@pytest.mark.parametrize("z", [1.5 + 2j, -1j, 0.25 - 3j])
def test_cmath(z):
    check(complex_functions, z)


@pytest.mark.parametrize("pair", [(7, 3), (7.5, 2.0)], ids=repr)
def test_builtins(pair):
    check(builtins, *pair)


def test_literals():
    check(literals)


def test_ints_wrap_in_njit_and_raise_in_jit():
    def next_one(x):
        return x + 1

    assert njit(next_one)(2**63 - 1) == -(2**63)
    with pytest.raises(OverflowError):
        jit(next_one)(2**63 - 1)


@pytest.mark.parametrize("function", [power, numpy_power])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_powers_of_numpys_scalars_have_its_bits(function, dtype):
    rng = np.random.default_rng(7)
    compiled = njit(function)
    for base, exponent in zip((rng.random(500) * 9).astype(dtype), rng.normal(size=500).astype(dtype), strict=True):
        assert equal(function(base, exponent), compiled(base, exponent)), (base, exponent)


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("z", [complex(-INF, -INF), complex(-INF, NAN), complex(INF, NAN), complex(-INF, INF), 0j])
def test_cmath_keeps_the_signs_of_zeros(z: complex) -> None:
    for function in (lambda z: cmath.exp(z), lambda z: cmath.atan(z)):
        expected, found = outcome(function, (z,)), outcome(njit(function), (z,))
        assert str(expected) == str(found)


def test_rect_at_the_edges() -> None:
    def rect(r, phi):
        return cmath.rect(r, phi)

    values = (0.0, -0.0, 1.5, -2.0, INF, -INF, NAN)
    for r, phi in itertools.product(values, values):
        assert str(outcome(rect, (r, phi))) == str(outcome(njit(rect), (r, phi))), (r, phi)
