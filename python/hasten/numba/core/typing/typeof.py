"""The types that compiled code has for Python's values."""

from __future__ import annotations

import enum
from functools import singledispatch
from types import CodeType
from typing import Any

import numpy as np

from hasten import _core
from hasten.numba.core import errors, types
from hasten.numba.np import numpy_support


def typeof(val: Any, purpose: Any = None) -> Any:
    """Return the type of a value.

    Parameters
    ----------
    val : object
        The value.
    purpose : object, optional
        Accepted as numba accepts it.

    Returns
    -------
    Type
        Its type.

    Raises
    ------
    ValueError
        Compiled code has no type for it.
    """
    found = _type_of(val)
    if found is None:
        raise ValueError(f"Cannot determine Numba type of {type(val)}")
    return found


@singledispatch
def _type_of(val: Any) -> Any:
    if isinstance(val, _core.Dispatcher):
        return types.Dispatcher(val)
    declared = getattr(val, "_numba_type_", None)
    return declared if declared is not None else _of_buffer(val)


def _of_buffer(val: Any) -> Any:
    classes: dict[str, Any] = {
        "bytes": types.Bytes, "bytearray": types.ByteArray, "array": types.PyArray, "memoryview": types.MemoryView
    }  # fmt: skip
    try:
        view = memoryview(val)
        item = numpy_support.from_dtype(np.asarray(view).dtype)
    except (TypeError, ValueError, NotImplementedError, errors.NumbaNotImplementedError):
        return None
    layout = "C" if view.c_contiguous else "F" if view.f_contiguous else "A"
    return classes.get(type(val).__name__, types.Buffer)(item, view.ndim, layout, readonly=view.readonly)


@_type_of.register(type)
def _of_class(val: type) -> Any:
    if issubclass(val, BaseException):
        return types.ExceptionClass(val)
    if issubclass(val, tuple) and hasattr(val, "_asdict"):
        return types.NamedTupleClass(val)
    if issubclass(val, np.generic):
        return types.NumberClass(numpy_support.from_dtype(val))
    return types.TypeRef(val) if issubclass(val, types.Type) else None


@_type_of.register(int)
def _of_int(val: int) -> Any:
    bits = (val if val >= 0 else -val - 1).bit_length()
    if bits < 64:
        return types.int64
    if bits == 64 and val >= 0:
        return types.uint64
    raise ValueError(f"Int value is too large: {val}")


_CONSTANT: tuple[tuple[type, Any], ...] = (
    (bool, types.boolean),
    (float, types.float64),
    (complex, types.complex128),
    (str, types.unicode_type),
    (CodeType, types.code_type),
    (type(None), types.none),
    (type(Ellipsis), types.ellipsis),
    (np.random.Generator, types.npy_rng),
    (np.random.BitGenerator, types.npy_bitgen),
)
for _class, _type in _CONSTANT:
    _type_of.register(_class, lambda val, _type=_type: _type)


@_type_of.register(np.generic)
def _of_scalar(val: np.generic) -> Any:
    try:
        return numpy_support.map_arrayscalar_type(val)
    except (NotImplementedError, errors.NumbaNotImplementedError):
        return None


@_type_of.register(tuple)
def _of_tuple(val: tuple[Any, ...]) -> Any:
    items = [_type_of(item) for item in val]
    return None if any(item is None for item in items) else types.BaseTuple.from_types(items, type(val))


@_type_of.register(list)
def _of_list(val: list[Any]) -> Any:
    return types.List(_of_first(val, "list"), reflected=True)


@_type_of.register(set)
def _of_set(val: set[Any]) -> Any:
    return types.Set(_of_first(val, "set"), reflected=True)


def _of_first(val: Any, what: str) -> Any:
    if not val:
        raise ValueError(f"Cannot type empty {what}")
    item = next(iter(val))
    found = _type_of(item)
    if found is None:
        raise ValueError(f"Cannot type {what} element type {type(item)}")
    return found


@_type_of.register(slice)
def _of_slice(val: slice) -> Any:
    return types.slice2_type if val.step in (None, 1) else types.slice3_type


@_type_of.register(enum.IntEnum)
@_type_of.register(enum.Enum)
def _of_member(val: enum.Enum) -> Any:
    return _of_enum(type(val)).member_type


@_type_of.register(enum.EnumMeta)
def _of_enum(val: Any) -> Any:
    members = list(val.__members__.values())
    if not members:
        raise ValueError("Cannot type enum with no members")
    found = {_type_of(member.value) for member in members}
    if len(found) > 1:
        raise ValueError(f"Cannot type heterogeneous enum: got value types {', '.join(sorted(map(str, found)))}")
    return (types.IntEnumClass if issubclass(val, enum.IntEnum) else types.EnumClass)(val, found.pop())


@_type_of.register(np.dtype)
def _of_dtype(val: np.dtype[Any]) -> Any:
    return types.DType(numpy_support.from_dtype(val))


@_type_of.register(np.ndarray)
def _of_array(val: np.ndarray[Any, Any]) -> Any:
    if isinstance(val, np.ma.MaskedArray):
        raise errors.NumbaTypeError("Unsupported array type: numpy.ma.MaskedArray.")
    try:
        item = numpy_support.from_dtype(val.dtype)
    except errors.NumbaNotImplementedError:
        raise errors.NumbaValueError(f"Unsupported array dtype: {val.dtype}") from None
    return types.Array(item, val.ndim, numpy_support.map_layout(val), readonly=not val.flags.writeable)


@_type_of.register(types.Type)
def _of_type(val: types.Type) -> Any:
    if isinstance(val, (types.BaseFunction, types.NumberClass, types.Literal, types.TypeRef)):
        return val
    return types.NumberClass(val) if isinstance(val, (types.Number, types.Boolean)) else types.TypeRef(val)
