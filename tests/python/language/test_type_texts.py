"""Types and signatures as numba's users write them."""

from __future__ import annotations

import pytest

from hasten import _core


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("float64(int32, float64[:])", "float64, int32, array(float64, 1d, A)"),
        ("(int64, int64)", "?, int64, int64"),
        ("int64, f8", "?, int64, float64"),
        ("void()", "none"),
        ("none(none)", "none, none"),
        ("()", "?"),
        ("f8[:, ::1](f4[::1, :])", "array(float64, 2d, C), array(float32, 2d, F)"),
        (" boolean ( b1 , bool_ ) ", "bool, bool, bool"),
        ("i1(i2, i4, i8, u1, u2, u4, u8)", "int8, int16, int32, int64, uint8, uint16, uint32, uint64"),
        ("intp(uintp, intc, int_, long_)", "int64, uint64, int32, int64, int64"),
        ("c16(c8, complex64, f2)", "complex128, complex64, complex64, float16"),
        ("float_(double)", "float32, float64"),
        (
            "(int8[:], int8[::1], int8[:,:], int8[:,:,::1])",
            "?, array(int8, 1d, A), array(int8, 1d, C), array(int8, 2d, A), array(int8, 3d, C)",
        ),
        ("(Tuple((int64, f8)), UniTuple(int64, 3))", "?, tuple(int64, float64), tuple(int64, int64, int64)"),
        ("(Tuple(()), UniTuple(float64[:], 2))", "?, tuple(), tuple(array(float64, 1d, A), array(float64, 1d, A))"),
        ("(Tuple((int64, Tuple((f4,)))),)", "?, tuple(int64, tuple(float32))"),
        ("(optional(int64), Optional(float64))", "?, optional(int64), optional(float64)"),
        ("(array(float64, 2d, C), Array(int8, 1, 'F', readonly=True))", None),
        ("(array(float64, 2d, F), Array(int8, 2, 'A'))", "?, array(float64, 2d, F), array(int8, 2d, A)"),
        (
            "(readonly array(float64, 1d, C), Array(int8, 1, 'C', True))",
            "?, array(float64, 1d, C, readonly), array(int8, 1d, C, readonly)",
        ),
        ("(types.int64, types.float64[:], nb.types.int8)", "?, int64, array(float64, 1d, A), int8"),
        ("unicode_type(pyobject)", "str, object"),
        (
            "(NPDatetime('ns'), NPTimedelta('D')[:], datetime64[ns][:])",
            "?, datetime64[ns], array(timedelta64[D], 1d, A), array(datetime64[ns], 1d, A)",
        ),
    ],
)
def test_signatures(text: str, types: str | None) -> None:
    if types is None:
        with pytest.raises(Exception, match="is no signature"):
            _core.debug_signature(text)
    else:
        assert _core.debug_signature(text) == types


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flaot64(int64)",
        "float64(int64",
        "float64 int64",
        "float64[:",
        "float64[]",
        "float64[::2]",
        "float64[::1, ::1]",
        "float64[:, ::1, :]",
        "Tuple(int64)",
        "UniTuple(int64)",
        "UniTuple(int64, x)",
        "UniTuple(int64, 100000000000)",
        "optional()",
        "array(float64, 2d, X)",
        "none[:]",
        "Tuple((int64,))[:]",
        "optional(" * 1000,
    ],
)
def test_what_is_no_signature(text: str) -> None:
    with pytest.raises(Exception, match="is no signature\nWrite it as"):
        _core.debug_signature(text)
