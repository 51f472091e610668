import collections
import enum

import numpy as np
import pytest
from hasten.numba import typeof
from hasten.numba.core import errors, types
from hasten.numba.np import numpy_support

from hasten import numba


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


Point = collections.namedtuple("Point", ("x", "y"))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "int64"),
        (2**63, "uint64"),
        (True, "bool"),
        (1.5, "float64"),
        (1j, "complex128"),
        ("a", "unicode_type"),
        (None, "none"),
        (..., "..."),
        ((1, 2.0), "Tuple(int64, float64)"),
        ((1, 2), "UniTuple(int64 x 2)"),
        ((), "Tuple()"),
        (Point(1, 2), "Point(int64 x 2)"),
        (Point(1, 2.0), "Point(int64, float64)"),
        ([1, 2], "reflected list(int64)<iv=None>"),
        ({1}, "reflected set(int64)"),
        (slice(1), "slice<a:b>"),
        (slice(1, 2, 3), "slice<a:b:c>"),
        (np.int8(1), "int8"),
        (np.datetime64("2020"), "datetime64[Y]"),
        (np.zeros(3), "array(float64, 1d, C)"),
        (np.zeros((2, 3), order="F"), "array(float64, 2d, F)"),
        (np.zeros((4, 4))[::2, ::2], "array(float64, 2d, A)"),
        (np.zeros(2, "U3"), "array([unichr x 3], 1d, C)"),
        (
            np.zeros(2, [("a", "i4"), ("b", "f8")]),
            "unaligned array(Record(a[type=int32;offset=0],b[type=float64;offset=4];12;False), 1d, C)",
        ),
        (np.dtype("i4"), "dtype(int32)"),
        (np.float64, "class(float64)"),
        (types.int32, "class(int32)"),
        (ValueError, "ValueError"),
        (Colour.RED, "Enum<int64>(Colour)"),
        (Number.ONE, "IntEnum<int64>(Number)"),
        (b"abc", "readonly bytes(uint8, 1d, C)"),
        (np.random.default_rng(0), "NumPyRandomGeneratorType"),
    ],
)
def test_values_have_numba_types(value: object, name: str) -> None:
    assert str(typeof(value)) == name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**70, "Int value is too large"),
        ({1: 2}, "Cannot determine Numba type of <class 'dict'>"),
        (object(), "Cannot determine Numba type of <class 'object'>"),
        ([], "Cannot type empty list"),
        ([object()], "Cannot type list element type <class 'object'>"),
    ],
)
def test_values_without_a_type_are_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        typeof(value)


def test_read_only_arrays_and_masked_arrays() -> None:
    array = np.zeros(3)
    array.flags.writeable = False
    assert str(typeof(array)) == "readonly array(float64, 1d, C)"
    with pytest.raises(errors.NumbaTypeError, match="MaskedArray"):
        typeof(np.ma.masked_array([1]))


def test_a_compiled_function_has_the_type_of_itself() -> None:
    @numba.njit
    def same(x: object) -> object:
        return x

    assert typeof(same).dispatcher is same
    assert typeof(same) == typeof(same)


@pytest.mark.parametrize(
    "text", ["?", "i1", "u8", "f2", "f4", "c16", "M8[ns]", "m8[D]", "S3", "U5", [("a", "i4"), ("b", "f8", (2, 3))]]
)
def test_dtypes_become_types_and_dtypes_again(text: object) -> None:
    dtype = np.dtype(text)  # type: ignore[call-overload]
    assert numpy_support.as_dtype(numpy_support.from_dtype(dtype)) == dtype


def test_dtypes_without_a_type_are_refused() -> None:
    for dtype in (np.dtype(">i4"), np.dtype("g")):
        with pytest.raises(errors.NumbaNotImplementedError):
            numpy_support.from_dtype(dtype)


def test_the_ufuncs_that_can_be_compiled_are_named() -> None:
    from hasten.numba.core.typing.npydecl import supported_ufuncs

    assert np.add in supported_ufuncs
    assert supported_ufuncs.count(np.remainder) == 2  # mod is its other name
    assert all(isinstance(found, np.ufunc) for found in supported_ufuncs)
    assert np.frexp not in supported_ufuncs
