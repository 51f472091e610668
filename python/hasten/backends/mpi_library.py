"""Hands the MPI library that mpi4py has started over to compiled code.

Libraries differ in what their handles are: ints in MPICH, pointers in Open MPI. mpi4py knows where its own lie in
memory, so they are read from there, and the functions are found in the library that mpi4py is linked with.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from hasten import _core
from hasten.backends.ranks import world

# MPI's types, by NumPy's characters. Whatever is not here travels as bytes.
_TYPES = {
    "?": "C_BOOL",
    "b": "INT8_T",
    "B": "UINT8_T",
    "h": "INT16_T",
    "H": "UINT16_T",
    "i": "INT32_T",
    "I": "UINT32_T",
    "l": "INT64_T",
    "L": "UINT64_T",
    "f": "FLOAT",
    "d": "DOUBLE",
    "F": "C_FLOAT_COMPLEX",
    "D": "C_DOUBLE_COMPLEX",
}
# In the order in which compiled code counts them.
_OPERATIONS = ("SUM", "PROD", "MIN", "MAX", "BAND", "BOR", "BXOR", "LAND", "LOR", "LXOR")
# A number that stands nowhere else in a fresh status.
_MARK = 0x1234567


def hand_over() -> None:
    """Start MPI, and tell compiled code all that it needs of it."""
    ranks = world()
    mpi = ranks.mpi
    facts = {
        "rank": ranks.rank,
        "size": ranks.size,
        "world": _handle(mpi, ranks.comm),
        "byte": _handle(mpi, mpi.BYTE),
        "any_source": mpi.ANY_SOURCE,
        "source_offset": _source_offset(mpi),
        "any_thread": mpi.Query_thread() == mpi.THREAD_MULTIPLE,
    }
    types = {int(np.dtype(code).num): _handle(mpi, getattr(mpi, name)) for code, name in _TYPES.items()}
    _core.set_mpi_library(_functions(mpi), types, [_handle(mpi, getattr(mpi, name)) for name in _OPERATIONS], facts)


def _functions(mpi: Any) -> dict[str, int]:
    """Return the addresses of MPI's functions; they are looked up in the libraries that mpi4py's extension needs."""
    library = ctypes.CDLL(mpi.__file__)
    addresses = {}
    for name in _core.mpi_function_names():
        try:
            function = getattr(library, f"MPI_{name}")
        except AttributeError:
            raise RuntimeError(
                f"MPI_{name} is not in the MPI library that mpi4py uses, so compiled functions can't call MPI; call it "
                "from Python"
            ) from None
        addresses[name] = ctypes.cast(function, ctypes.c_void_p).value or 0
    return addresses


def _handle(mpi: Any, thing: Any) -> int:
    return int.from_bytes(_memory(mpi, thing), "little")


def _memory(mpi: Any, thing: Any) -> bytes:
    return ctypes.string_at(mpi._addressof(thing), mpi._sizeof(thing))


def _source_offset(mpi: Any) -> int:
    """Return where in a status the rank stands that a message came from."""
    status = mpi.Status()
    status.Set_source(_MARK)
    return _memory(mpi, status).index(_MARK.to_bytes(4, "little"))
