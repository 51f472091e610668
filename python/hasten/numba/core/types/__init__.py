"""The types of compiled code, under numba's names."""

from __future__ import annotations

from hasten.numba.core.types.arrays import *  # noqa: F403
from hasten.numba.core.types.base import *  # noqa: F403
from hasten.numba.core.types.containers import *  # noqa: F403
from hasten.numba.core.types.names import *  # noqa: F403
from hasten.numba.core.types.scalars import *  # noqa: F403
from hasten.numba.core.types.special import *  # noqa: F403

# What `from numba import *` gives.
__all__ = [  # noqa: F405
    "b1",
    "bool",
    "bool_",
    "boolean",
    "byte",
    "c8",
    "c16",
    "char",
    "complex64",
    "complex128",
    "deferred_type",
    "double",
    "f4",
    "f8",
    "ffi",
    "ffi_forced_object",
    "float32",
    "float64",
    "i1",
    "i2",
    "i4",
    "i8",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_",
    "intc",
    "intp",
    "long_",
    "longlong",
    "none",
    "optional",
    "short",
    "size_t",
    "ssize_t",
    "u1",
    "u2",
    "u4",
    "u8",
    "uchar",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintc",
    "uintp",
    "ulong",
    "ulonglong",
    "ushort",
    "void",
]
