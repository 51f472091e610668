"""Values cross the border to compiled code and come back as what they were."""

from __future__ import annotations

import gc
import math
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import hasten
from hasten import njit
from hasten._decorators import decorate


@njit
def same(x: Any) -> Any:
    return x


same_numba = decorate(same.py_func, {}, dialect="numba")

SCALARS = [
    True,
    False,
    0,
    -1,
    2**62,
    -(2**63),
    2**63 - 1,
    0.0,
    -0.0,
    1.5,
    math.inf,
    1j,
    -2.5 + 0.5j,
    np.bool_(True),
    np.int8(-128),
    np.uint8(255),
    np.int16(-300),
    np.uint16(65535),
    np.int32(-(2**31)),
    np.uint32(2**32 - 1),
    np.int64(-(2**63)),
    np.uint64(2**64 - 1),
    np.float16(0.1),
    np.float32(0.1),
    np.float64(0.1),
    np.complex64(1 + 2j),
    np.complex128(1 - 2j),
    None,
    ...,
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda v: f"{type(v).__name__}:{v}")
def test_a_scalar_comes_back_with_its_type_and_its_bits(value: Any) -> None:
    result = same(value)
    assert type(result) is type(value)
    assert repr(result) == repr(value)


def test_nan_keeps_its_payload() -> None:
    for dtype, bits in ((np.float32, np.uint32(0x7FC12345)), (np.float64, np.uint64(0x7FF8123456789ABC))):
        value = np.frombuffer(bits.tobytes(), dtype)[0]
        assert same(value).tobytes() == value.tobytes()
    half = np.frombuffer(np.uint16(0x7E12).tobytes(), np.float16)[0]
    assert same(half).tobytes() == half.tobytes()


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.int32(3), np.bool_(True), np.complex64(1j)])
def test_numbas_dialect_gives_pythons_numbers(value: Any) -> None:
    result = same_numba(value)
    assert type(result) is type(value.item())
    assert result == value


def test_integers_beyond_64_bits_are_refused() -> None:
    assert same(2**64 - 1) == 2**64 - 1
    with pytest.raises(hasten.errors.TypingError, match="64 bits"):
        same(2**64)
    with pytest.raises(hasten.errors.TypingError, match="64 bits"):
        same(-(2**63) - 1)


@pytest.mark.parametrize(
    "value",
    [
        (),
        (1, 2.5, None),
        ((1, 2), (3.5, (True, 1j))),
        (np.float32(1), np.int8(2)),
        tuple(range(20)),
        range(10),
        range(5, -20, -3),
        slice(None, 3, None),
        slice(1, 10, 2),
        (range(3), slice(2)),
    ],
    ids=str,
)
def test_compounds_come_back(value: Any) -> None:
    result = same(value)
    assert result == value
    assert type(result) is type(value)
    assert repr(result) == repr(value)


@pytest.mark.parametrize(
    "value",
    [np.datetime64("2020-02-29T12:00", "ns"), np.timedelta64(-5, "D"), np.datetime64("NaT", "s"), np.timedelta64(3, "25s")],
    ids=str,
)
def test_dates_keep_their_unit(value: Any) -> None:
    result = same(value)
    assert result.dtype == value.dtype
    assert str(result) == str(value)


def test_optional_values() -> None:
    @njit
    def positive(x: Any) -> Any:
        if x > 0:
            return x
        return None

    assert positive(2.5) == 2.5
    assert positive(-1.0) is None


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0),
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24.0).reshape(2, 3, 4)[:, ::-1, ::2],
        np.arange(10)[::-3],
        np.array(1.5),
        np.zeros((0, 3)),
        np.zeros(3, np.complex64),
        np.array([True, False]),
        np.zeros(3, "M8[ms]"),
        np.broadcast_to(np.arange(3.0), (2, 3)),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}{a.strides}",
)
def test_an_argument_that_is_returned_is_the_same_object(array: np.ndarray[Any, Any]) -> None:
    references = sys.getrefcount(array)
    assert same(array) is array
    assert same((array, 1))[0] is array
    assert sys.getrefcount(array) == references


def test_a_view_of_an_argument_has_it_as_base() -> None:
    @njit
    def tail(a: Any) -> Any:
        return a[1:]

    array = np.arange(5.0)
    view = tail(array)
    assert view.base is array
    assert np.shares_memory(view, array)
    view[0] = 7
    assert array[1] == 7
    array.flags.writeable = False
    fixed = tail(array)
    assert fixed.base is array
    assert not fixed.flags.writeable


def test_a_new_array_lies_in_memory_that_is_given_back() -> None:
    @njit
    def doubled(a: Any) -> Any:
        return a + a

    array = np.arange(1000.0)
    doubled(array)
    gc.collect()
    before = hasten.stats()
    results = [doubled(array) for _ in range(10)]
    assert all(np.array_equal(result, 2 * array) for result in results)
    assert results[0].flags.c_contiguous
    assert results[0].flags.writeable
    assert hasten.stats()["block_bytes"] > before["block_bytes"]
    part = results[0][10:20]
    del results
    assert part[0] == 20.0  # its base keeps the memory
    del part
    after = hasten.stats()
    assert after["block_bytes"] == before["block_bytes"]
    assert after["blocks_allocated"] - after["blocks_freed"] == before["blocks_allocated"] - before["blocks_freed"]


def test_a_tuple_of_arrays() -> None:
    @njit
    def both(a: Any) -> Any:
        return a, a + 1, (a[:2], 3)

    array = np.arange(4.0)
    first, second, (third, number) = both(array)
    assert first is array
    assert np.array_equal(second, array + 1)
    assert third.base is array
    assert number == 3


def test_a_result_outlives_the_function() -> None:
    def make() -> Any:
        @njit
        def twice(a: Any) -> Any:
            return a * 2

        return twice(np.arange(100.0))

    result = make()
    gc.collect()
    assert result[99] == 198.0


def test_an_argument_is_not_kept() -> None:
    @njit
    def total(a: Any) -> Any:
        return a.sum()

    class Array(np.ndarray[Any, Any]):
        pass

    array = np.arange(3.0)
    reference = weakref.ref(array)
    total(array)
    del array
    assert reference() is None


def test_arrays_that_compiled_code_cannot_read() -> None:
    swapped = np.arange(3.0).astype(">f8")
    misaligned = np.frombuffer(b"\0" * 25, np.uint8)[1:].view(np.float64)
    for array in (swapped, misaligned, np.array([None]), np.zeros(2, "U3")):
        with pytest.raises(hasten.errors.TypingError):
            same(array)


def test_functions_and_strings_that_are_constants() -> None:
    @njit
    def name(x: Any) -> Any:
        return "negative" if x < 0 else "other"

    @njit
    def always() -> Any:
        return "ünïcode"

    assert always() == "ünïcode"
    with pytest.raises(hasten.errors.TypingError):
        name(1)
