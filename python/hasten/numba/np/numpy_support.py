"""NumPy's dtypes as types, and back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from hasten.numba.core import errors, types

numpy_version = tuple(map(int, np.__version__.split(".")[:2]))

FROM_DTYPE: dict[Any, Any] = {
    np.dtype(name): getattr(types, name)
    for name in (
        [
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float16",
            "float32",
            "float64",
            "complex64",
            "complex128",
        ]
    )
}
FROM_DTYPE[np.dtype(bool)] = types.boolean
FROM_DTYPE[np.dtype(object)] = types.pyobject


def from_dtype(dtype: Any) -> Any:
    """Return the type of the items that a dtype describes.

    Parameters
    ----------
    dtype : numpy.dtype or NumPy's scalar class
        The dtype.

    Returns
    -------
    Type
        The type.

    Raises
    ------
    NumbaNotImplementedError
        There is none.
    """
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        dtype = np.dtype(dtype)
    if not isinstance(dtype, np.dtype):
        raise errors.NumbaNotImplementedError(str(dtype))
    if dtype.fields is not None:
        return from_struct_dtype(dtype)
    if dtype in FROM_DTYPE:
        return FROM_DTYPE[dtype]
    if dtype.subdtype is not None:
        return types.NestedArray(from_dtype(dtype.subdtype[0]), dtype.shape)
    if dtype.kind in "SU" and dtype.isnative:
        return types.CharSeq(dtype.itemsize) if dtype.kind == "S" else types.UnicodeCharSeq(dtype.itemsize // 4)
    date = re.fullmatch(r"[<=|][mM]8(?:\[([a-zA-Z]+)\])?", dtype.str) if dtype.kind in "mM" else None
    if date is not None:
        unit = date.group(1) or ""
        return types.NPTimedelta(unit) if dtype.kind == "m" else types.NPDatetime(unit)
    raise errors.NumbaNotImplementedError(str(dtype))


def as_dtype(nbtype: Any) -> np.dtype[Any]:
    """Return the dtype of items of a type.

    Parameters
    ----------
    nbtype : Type
        The type.

    Returns
    -------
    numpy.dtype
        The dtype.

    Raises
    ------
    NumbaNotImplementedError
        NumPy has none.
    """
    nbtype = types.unliteral(nbtype)
    if isinstance(nbtype, (types.Number, types.Boolean)):
        return np.dtype(str(nbtype))
    if isinstance(nbtype, (types.NPDatetime, types.NPTimedelta)):
        return np.dtype(f"{nbtype.type_name}[{nbtype.unit}]" if nbtype.unit else nbtype.type_name)
    if isinstance(nbtype, (types.CharSeq, types.UnicodeCharSeq)):
        return np.dtype(f"{'S' if isinstance(nbtype, types.CharSeq) else 'U'}{nbtype.count}")
    if isinstance(nbtype, types.Record):
        return as_struct_dtype(nbtype)
    if isinstance(nbtype, (types.EnumMember, types.DType, types.NumberClass)):
        return as_dtype(nbtype.dtype)
    if isinstance(nbtype, types.NestedArray):
        return np.dtype((as_dtype(nbtype.dtype), nbtype.shape))
    if isinstance(nbtype, types.PyObject):
        return np.dtype(object)
    raise errors.NumbaNotImplementedError(f"{nbtype} cannot be represented as a NumPy dtype")


def as_struct_dtype(rec: types.Record) -> np.dtype[Any]:
    """Return the structured dtype of a record type."""
    own = [(name, kind) for name, kind in rec.members if not rec.is_title(name)]
    facts: Any = {
        "names": [name for name, _ in own],
        "formats": [as_dtype(kind) for _, kind in own],
        "offsets": [rec.offset(name) for name, _ in own],
        "titles": [rec.fields[name].title for name, _ in own],
        "itemsize": rec.size,
    }
    made: np.dtype[Any] = np.dtype(facts, align=rec.aligned)
    return made


def from_struct_dtype(dtype: np.dtype[Any]) -> types.Record:
    """Return the record type of a structured dtype."""
    if dtype.hasobject or dtype.fields is None:
        raise errors.NumbaNotImplementedError("dtypes that contain pointers to Python objects")
    fields = []
    for name, facts in dtype.fields.items():
        info = {"type": from_dtype(facts[0]), "offset": facts[1], "title": facts[2] if len(facts) == 3 else None}
        fields.append((name, info))
    made: types.Record = types.Record(fields, dtype.itemsize, dtype.isalignedstruct)
    return made


def map_arrayscalar_type(val: Any) -> Any:
    """Return the type of a NumPy scalar."""
    try:
        return from_dtype(val.dtype if isinstance(val, np.generic) else np.dtype(type(val)))
    except TypeError:
        raise errors.NumbaNotImplementedError(f"no corresponding numpy dtype for {type(val)!r}") from None


def is_array(val: Any) -> bool:
    """Return whether a value is an array."""
    return isinstance(val, np.ndarray)


def map_layout(val: Any) -> str:
    """Return how the items of an array lie: "C", "F", or "A" for any other way."""
    return "C" if val.flags.c_contiguous else "F" if val.flags.f_contiguous else "A"
