"""datetime64 and timedelta64 in compiled code, beside NumPy."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hasten.errors import TypingError

from hasten import njit

SPANS = np.array([2, -3, "NaT", 0, 7], "m8[D]")
OPERANDS: dict[str, np.ndarray[Any, Any]] = {
    "spans": SPANS,
    "seconds": SPANS.astype("m8[s]") * 3601,
    "days": np.array(["NaT", 1, 25, 0, 3], "M8[D]"),
    "integers": np.array([1, 2, 0, -3, 5]),
    "floats": np.array([1.5, 0.0, np.nan, -2, 3]),
}
DATE = np.datetime64("2001-01-05")
SPAN = np.timedelta64(8, "D")


def same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "mMf")


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "<", "<=", "==", ">", ">="])
def test_operators_give_what_numpy_gives(symbol: str) -> None:
    function = eval(f"lambda a, b: a {symbol} b")
    compiled = njit(function)
    for (_, a), (_, b) in itertools.product(OPERANDS.items(), repeat=2):
        if a.dtype.kind not in "mM" and b.dtype.kind not in "mM":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wanted = function(a, b)
            except TypeError:
                with pytest.raises(TypingError, match=r"operand types|not supported"):
                    compiled(a, b)
                continue
            if symbol == "==" and a.dtype.kind != b.dtype.kind:
                continue
            assert same(compiled(a, b), wanted), (symbol, a, b)
            for x, y in zip(a, b, strict=True):
                assert same(compiled(x, y), function(x, y)), (symbol, x, y)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_extremes_and_nat(name: str) -> None:
    compiled = njit(eval(f"lambda a, b: np.{name}(a, b)", {"np": np}))
    for a in (SPANS, OPERANDS["days"]):
        assert same(compiled(a, a[::-1].copy()), getattr(np, name)(a, a[::-1]))


@pytest.mark.parametrize("name", ["isnat", "isnan", "isfinite", "isinf", "negative", "positive", "absolute"])
def test_functions_of_one_duration(name: str) -> None:
    compiled = njit(eval(f"lambda a: np.{name}(a)", {"np": np}))
    assert same(compiled(SPANS), getattr(np, name)(SPANS))


def test_results_are_written_in_the_unit_of_the_output() -> None:
    @njit
    def add(a: Any, b: Any, out: Any) -> None:
        np.add(a, b, out)

    out = np.zeros(5, "m8[s]")
    add(SPANS, SPANS, out)
    assert same(out, (SPANS + SPANS).astype("m8[s]"))


def test_dates_in_globals() -> None:
    @njit
    def later(date: Any) -> Any:
        return DATE, SPAN + SPAN, date + SPAN

    assert later(DATE) == (DATE, SPAN * 2, DATE + SPAN)


def test_units_without_a_fixed_length_are_refused() -> None:
    compiled = njit(lambda a, b: a - b)
    with pytest.raises(TypingError, match="no common unit"):
        compiled(np.datetime64("2001", "Y"), DATE)


def test_ldexp_and_reciprocal() -> None:
    @njit
    def both(a: Any, n: Any, i: Any) -> Any:
        return np.ldexp(a, n), np.reciprocal(i)

    a, n, i = np.array([1.5, -0.25, np.inf]), np.array([3, -2, 1]), np.array([1, -2, 7])
    scaled, inverse = both(a, n, i)
    assert same(scaled, np.ldexp(a, n))
    assert same(inverse, np.reciprocal(i))


def test_complex_numbers_are_ordered_as_numpy_orders_them() -> None:
    a = np.array([1 + 2j, 1 - 2j, complex(np.nan, 1), complex(0, np.nan), -1 + 0j])
    x, y = np.repeat(a, len(a)), np.tile(a, len(a))
    for name in ("less", "less_equal", "greater", "greater_equal", "maximum", "minimum", "fmax", "fmin"):
        compiled = njit(eval(f"lambda x, y: np.{name}(x, y)", {"np": np}))
        found, wanted = compiled(x, y), getattr(np, name)(x, y)
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "c"), name


def test_divmod_writes_into_its_outputs() -> None:
    @njit
    def split(a: Any, b: Any, quotient: Any, rest: Any) -> None:
        np.divmod(a, b, quotient, rest)

    a, b = np.array([7, -7, 8]), np.array([2, 2, -3])
    wanted = np.divmod(a, b)
    rest = np.zeros(3, int)
    split(a, b, a, rest)
    assert (a.tolist(), rest.tolist()) == (wanted[0].tolist(), wanted[1].tolist())
