import copy
import pickle

import numpy as np
import pytest
from hasten.numba.core import errors, types

from hasten import numba


@pytest.mark.parametrize(
    ("made", "name", "shown"),
    [
        (types.int32, "int32", "int32"),
        (types.boolean, "bool", "bool"),
        (types.void, "none", "none"),
        (types.float64[:, ::1], "array(float64, 2d, C)", "Array(float64, 2, 'C', False, aligned=True)"),
        (types.float64[::1, :], "array(float64, 2d, F)", "Array(float64, 2, 'F', False, aligned=True)"),
        (types.float64[:], "array(float64, 1d, A)", "Array(float64, 1, 'A', False, aligned=True)"),
        (types.UniTuple(types.int8, 3), "UniTuple(int8 x 3)", "UniTuple(int8, 3)"),
        (types.Tuple((types.int32, types.float64)), "Tuple(int32, float64)", "Tuple((int32, float64))"),
        (types.Tuple(()), "Tuple()", "Tuple(())"),
        (types.Optional(types.int32), "OptionalType(int32)", "OptionalType(int32)"),
        (types.Omitted(3), "omitted(default=3)", "omitted(default=3)"),
        (types.literal(3), "Literal[int](3)", "Literal[int](3)"),
        (types.literal("a"), "Literal[str](a)", "Literal[str](a)"),
        (types.literal(True), "Literal[bool](True)", "Literal[bool](True)"),
        (types.List(types.int32), "list(int32)<iv=None>", "List(int32, False)"),
        (types.Set(types.int64, reflected=True), "reflected set(int64)", "Set(int64, True)"),
        (types.ListType(types.int32), "ListType[int32]", "ListType(int32)"),
        (
            types.DictType(types.int32, types.unicode_type),
            "DictType[int32,unicode_type]<iv=None>",
            "DictType(int32, unicode_type)",
        ),
        (types.NPDatetime("ns"), "datetime64[ns]", "datetime64[ns]"),
        (types.CPointer(types.int32), "int32*", "int32*"),
        (types.range_state64_type, "range_state_int64", "range_state_int64"),
        (types.FunctionType(types.int32(types.int32)), "FunctionType[int32(int32)]", "FunctionType[int32(int32)]"),
    ],
)
def test_types_are_spelt_as_numba_spells_them(made: types.Type, name: str, shown: str) -> None:
    assert (str(made), made.name, repr(made)) == (name, name, shown)


def test_equal_types_are_one_object() -> None:
    assert types.float64[:] is types.Array(types.float64, 1, "A")
    pair: types.Type = types.Tuple((types.int8, types.int8))
    assert pair is types.UniTuple(types.int8, 2)
    assert types.float64[:] != types.float64[::1]
    assert len({types.int64, types.intp, types.int_, types.i8}) == 1


@pytest.mark.parametrize(
    "made",
    [
        types.int32,
        types.Array(types.int32, 2, "C", readonly=True),
        types.Tuple((types.int8, types.float32)),
        types.literal(3),
        types.Optional(types.int8),
        types.float64(types.int32),
    ],
)
def test_types_survive_pickles_and_copies(made: types.Type) -> None:
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made
    if isinstance(made, types.Type):
        assert pickle.loads(pickle.dumps(made)) is made


def test_facts_of_numbers() -> None:
    assert (types.int16.bitwidth, types.int16.signed, types.int16.maxval, types.int16.minval) == (
        16,
        True,
        32767,
        -32768,
    )
    assert (types.uint8.signed, types.uint8.maxval, types.uint8.minval) == (False, 255, 0)
    assert types.int8 < types.int64
    assert types.float32 < types.float64
    assert types.complex64.underlying_float == types.float32
    with pytest.raises(TypeError):
        types.int8 < types.uint16  # noqa: B015
    assert types.int32 in types.number_domain & types.integer_domain & types.signed_domain
    assert types.float32 in types.real_domain
    assert types.uint8 not in types.signed_domain


def test_facts_of_arrays() -> None:
    made = types.Array(types.float32, 2, "F", readonly=True)
    assert (made.dtype, made.ndim, made.layout, made.mutable) == (types.float32, 2, "F", False)
    assert made.copy(readonly=False, layout="A") is types.float32[:, :]
    assert made.is_f_contig
    assert not made.is_c_contig
    with pytest.raises(errors.NumbaValueError, match="Invalid layout"):
        types.Array(types.float32, 2, "Z")
    with pytest.raises(errors.NumbaTypeError, match="cannot itself be a Buffer"):
        types.Array(made, 2, "C")
    with pytest.raises(KeyError, match="Can only index numba types with slices"):
        types.int32[1]


def test_calling_a_type_converts() -> None:
    assert types.int32(3.7) == 3
    assert type(types.int32(3)) is np.int32
    assert type(types.float32(1)) is np.float32
    assert types.boolean(3) is True
    with pytest.raises(NotImplementedError):
        types.none(3)


def test_calling_a_type_with_types_gives_a_signature() -> None:
    made = numba.float64(numba.int32, numba.float32[:])
    assert made.return_type is types.float64
    assert made.args == (types.int32, types.float32[:])
    assert repr(made) == "(int32, Array(float32, 1, 'A', False, aligned=True)) -> float64"
    assert made == types.float64(types.int32, types.float32[:])
    assert hash(made) == hash(types.float64(types.int32, types.float32[:]))


def test_literals() -> None:
    assert types.literal(3).literal_value == 3
    assert types.literal(3).literal_type is types.int64
    assert types.unliteral(types.literal("a")) is types.unicode_type
    assert types.maybe_literal(1.5) is None
    with pytest.raises(errors.LiteralTypingError):
        types.literal(1.5)
    with pytest.raises(TypeError, match="Int value is too large"):
        types.literal(2**70)


def test_star_import_gives_the_types() -> None:
    names: dict[str, object] = {}
    exec("from hasten.numba import *", names)
    assert names["int32"] is types.int32
    assert names["njit"] is numba.njit
    assert names["TypingError"] is errors.TypingError
