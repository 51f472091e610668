"""What types compiled code has for Python's values, and the codes that stand for them in the hot path."""

from __future__ import annotations

import enum
import fractions
import math
import pathlib
import warnings
from typing import Any

import numpy as np
import pytest

from hasten import _core


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.IntFlag):
    A = 1


class Colour(enum.Enum):
    RED = 1


class LongInt(int):
    pass


class OwnError(Exception):
    pass


def grid() -> Any:
    return np.arange(12.0).reshape(3, 4)


def readonly(array: Any) -> Any:
    array.flags.writeable = False
    return array


SCALARS = [
    (None, "none", "none"),
    (True, "pybool", "bool"),
    (0, "pyint", "int64"),
    (-(2**63), "pyint", "int64"),
    (2**63 - 1, "pyint", "int64"),
    (2**30, "pyint", "int64"),
    (2**60, "pyint", "int64"),
    (2**63, "uint64", "uint64"),
    (2**64 - 1, "uint64", "uint64"),
    (1.5, "pyfloat", "float64"),
    (1j, "pycomplex", "complex128"),
    ("x", "str", "str"),
    (..., "ellipsis", "ellipsis"),
    (Level.LOW, "pyint", "int64"),
    (Flags.A, "pyint", "int64"),
    (np.True_, "bool", "bool"),
    (np.int8(1), "int8", "int8"),
    (np.uint16(1), "uint16", "uint16"),
    (np.intp(1), "int64", "int64"),
    (np.longlong(1), "int64", "int64"),
    (np.ulonglong(1), "uint64", "uint64"),
    (np.float16(1), "float16", "float16"),
    (np.float32(1), "float32", "float32"),
    (np.float64(1), "float64", "float64"),
    (np.complex64(1), "complex64", "complex64"),
    (np.complex128(1), "complex128", "complex128"),
    (np.datetime64(3, "ns"), "datetime64[ns]", "datetime64[ns]"),
    (np.datetime64("NaT"), "datetime64[generic]", "datetime64[generic]"),
    (np.timedelta64(3, ("s", 25)), "timedelta64[25s]", "timedelta64[25s]"),
    ((), "tuple()", "tuple()"),
    ((1, 2.0), "tuple(pyint, pyfloat)", "tuple(int64, float64)"),
    (((1,), (np.int8(2), "a")), "tuple(tuple(pyint), tuple(int8, str))", "tuple(tuple(int64), tuple(int8, str))"),
    (range(3), "pyrange", "range"),
    (slice(1, None), "slice(pyint, none, none)", "slice(int64, none, none)"),
    (slice(None, np.int32(1), -1), "slice(none, int32, pyint)", "slice(none, int32, int64)"),
]

ARRAYS = [
    (grid(), "array(float64, 2d, C)"),
    (grid().T, "array(float64, 2d, F)"),
    (grid()[:, ::2], "array(float64, 2d, A)"),
    (grid()[0], "array(float64, 1d, C)"),
    (grid()[:, 0], "array(float64, 1d, A)"),
    (grid()[::-1], "array(float64, 2d, A)"),
    (readonly(grid()), "array(float64, 2d, C, readonly)"),
    (readonly(grid().T), "array(float64, 2d, F, readonly)"),
    (np.zeros((3, 1)), "array(float64, 2d, C)"),
    (np.zeros(()), "array(float64, 0d, C)"),
    (np.zeros((0, 3)), "array(float64, 2d, C)"),
    (np.zeros((2, 3, 4)).transpose(1, 0, 2), "array(float64, 3d, A)"),
    (np.zeros((1,) * 32), "array(float64, 32d, C)"),
    (np.zeros(3, bool), "array(bool, 1d, C)"),
    (np.zeros(3, np.longlong), "array(int64, 1d, C)"),
    (np.zeros(3, np.float16), "array(float16, 1d, C)"),
    (np.zeros(3, np.complex64), "array(complex64, 1d, C)"),
    (np.zeros(3, "M8[us]"), "array(datetime64[us], 1d, C)"),
    (np.zeros(3, "m8[7D]"), "array(timedelta64[7D], 1d, C)"),
    (np.zeros(3, "<f8"), "array(float64, 1d, C)"),
]


@pytest.mark.parametrize(("value", "python", "numba"), SCALARS)
def test_scalars_and_tuples(value: object, python: str, numba: str) -> None:
    assert _core.debug_typeof(value) == python
    assert _core.debug_typeof(value, "numba") == numba


@pytest.mark.parametrize(("value", "spelling"), ARRAYS)
def test_arrays(value: object, spelling: str) -> None:
    assert _core.debug_typeof(value) == spelling
    assert _core.debug_typeof(value, "numba") == spelling


def test_memory_mapped_arrays_are_arrays(tmp_path: pathlib.Path) -> None:
    grid().tofile(tmp_path / "grid")
    mapped = np.memmap(tmp_path / "grid", dtype=np.float64, mode="r", shape=(3, 4))
    assert _core.debug_typeof(mapped) == "array(float64, 2d, C, readonly)"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (math, "module:math"),
        (math.sqrt, "function:math.sqrt"),
        (len, "function:builtins.len"),
        (int, "function:builtins.int"),
        (np.abs, "function:numpy.absolute"),
        (np.linalg.norm, "function:numpy.linalg.norm"),
        (np.float32, "dtype:float32"),
        (np.longlong, "dtype:int64"),
        (np.dtype("f4"), "descriptor:float32"),
        (np.dtype("M8[D]"), "descriptor:datetime64[D]"),
        (np.datetime64, "dtype:datetime64"),
    ],
)
def test_named_values(value: object, name: str) -> None:
    assert _core.debug_typeof(value) == f"named({len(name)}:{name})"


def test_functions_and_exceptions_have_a_handle_each() -> None:
    def f() -> None: ...

    def g() -> None: ...

    types = [_core.debug_typeof(value) for value in (f, g, ValueError, OwnError, f)]
    assert [t.split(":")[1] for t in types] == ["host", "host", "exception", "exception", "host"]
    assert len(set(types)) == 4
    assert types[0] == types[4]


def matrix() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.matrix([1])


def misaligned() -> Any:
    return np.frombuffer(b"x" * 17, np.uint8)[1:].view("f8")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**64, "the integer 18446744073709551616, which doesn't fit 64 bits\nUse a float"),
        (-(2**63) - 1, "the integer -9223372036854775809"),
        ((1, 2**64), "the integer 18446744073709551616"),
        (range(2**70), "a range beyond 64 bits"),
        (slice(1.5), "a slice from, to or by a float"),
        ([1], r"class list\nPass an array, np.array\(x\)"),
        ({1: 2}, "class dict\nPass its contents"),
        ({1}, "class set\n"),
        (b"x", "class bytes"),
        (object(), "class object"),
        (fractions.Fraction(1), "class fractions.Fraction"),
        (Colour.RED, "class .*Colour"),
        (LongInt(1), r"class .*LongInt\nPass a plain int"),
        (np.str_("x"), "class numpy.str_"),
        (np.longdouble(1), "class numpy.longdouble"),
        (np.zeros(3, object), r"arrays of Python objects \(dtype object\)\nGive the array a number type"),
        (np.zeros(3, ">f8"), r"swapped bytes \(the dtype >f8\)\n.*newbyteorder"),
        (np.zeros(3, ">M8[s]"), "swapped bytes"),
        (np.zeros(3, "U3"), "dtype <U3\n"),
        (np.zeros(3, "S3"), r"dtype \|S3\n"),
        (np.zeros(3, np.longdouble), "dtype float128\nUse float64"),
        (np.zeros(3, [("a", int)]), r"dtype \[\('a'.*\nPass the fields"),
        (misaligned(), r"multiples of their size\nPass a copy: a.copy\(\)"),
        (matrix(), r"class numpy.matrix\nPass a plain array: np.asarray\(x\)"),
        (np.ma.zeros(3), "class numpy.ma.MaskedArray"),
    ],
)
def test_values_without_a_type_are_refused_by_name(value: object, message: str) -> None:
    with pytest.raises(Exception, match=f"compiled code has no type for .*{message}"):
        _core.debug_typeof(value)


CODED = [value for value, *_ in SCALARS] + [value for value, _ in ARRAYS]
CODED += [
    *[(a, b) for a in (1, 1.0, np.int8(1), None) for b in (1, "x", 2**63)],
    (1,) * 9,
    (1,) * 10,
    (1,) * 11,
    (1, (2,)),
    slice(1),
    slice(None),
    slice(np.int8(1), None, None),
    math,
    math.sqrt,
    math.cos,
    np.sin,
    np.float64,
    ValueError,
    np.zeros(3, "M8[25us]"),
    np.zeros((3, 3), "M8[us]"),
    np.datetime64(1, "us"),
    np.timedelta64(1, "us"),
]


def test_equal_codes_mean_equal_types() -> None:
    for dialect in ("python", "numba"):
        types: dict[int, str] = {}
        for value in CODED:
            code, spelling = _core.debug_typecode(value), _core.debug_typeof(value, dialect)
            if code:
                assert types.setdefault(code, spelling) == spelling


def test_frequent_values_have_codes() -> None:
    for value in (
        None,
        True,
        1,
        2**62,
        2**63,
        1.0,
        1j,
        "x",
        np.float32(1),
        (1, 2.0),
        slice(1, None),
        math.sqrt,
        grid(),
    ):
        assert _core.debug_typecode(value) != 0
    assert len({_core.debug_typecode(value) for value, _ in ARRAYS[:8]}) == 7


@pytest.mark.parametrize(
    "value",
    [2**64, (1, 2**64), (1,) * 11, range(3), [1], Level.LOW, np.zeros(3, ">f8"), np.zeros(3, object), misaligned()],
)
def test_what_needs_a_look_has_no_code(value: object) -> None:
    assert _core.debug_typecode(value) == 0
