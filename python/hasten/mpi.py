"""Helpers for programs that run as several ranks under MPI: ``mpirun -n 4 hasten run script.py``.

Without mpirun there is one rank, and everything works the same. Arrays travel by buffer; other values by pickle. From
`barrier` on to `allreduce` each function is collective: all ranks call it, either from compiled code or from plain
Python. Messages go from rank to rank: what is sent from one of the two can be received in the other.

Compiled functions call all of them, with arrays and numbers.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from hasten.backends.ranks import world

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ANY_SOURCE",
    "allgather",
    "allreduce",
    "barrier",
    "bcast",
    "gather",
    "initialized",
    "irecv",
    "isend",
    "rank",
    "recv",
    "reduce",
    "scatter",
    "send",
    "sendrecv",
    "size",
    "test",
    "testall",
    "testany",
    "wait",
    "waitall",
    "waitany",
    "wtime",
]

ANY_SOURCE = -1
"""A message from any rank, as the `source` of `recv` and its like."""

# The reductions: MPI's operation, and NumPy's for what MPI has no type for.
_OPERATIONS = {
    "sum": ("SUM", "add"),
    "prod": ("PROD", "multiply"),
    "min": ("MIN", "minimum"),
    "max": ("MAX", "maximum"),
    "and": ("BAND", "bitwise_and"),
    "or": ("BOR", "bitwise_or"),
    "xor": ("BXOR", "bitwise_xor"),
}
# The kinds of dtypes that an operation means nothing for.
_REFUSED = {"min": "c", "max": "c", "and": "fc", "or": "fc", "xor": "fc"}


def rank() -> int:
    """Return the number of this rank, from 0."""
    return world().rank


def size() -> int:
    """Return how many ranks there are."""
    return world().size


def initialized() -> bool:
    """Return whether MPI was started; `rank` and all others start it."""
    module = sys.modules.get("mpi4py.MPI")
    return module is not None and bool(module.Is_initialized())


def wtime() -> float:
    """Return the seconds that MPI's clock shows."""
    return float(world().mpi.Wtime())


def barrier() -> None:
    """Wait until all ranks are here."""
    _comm().Barrier()


def bcast(value: Any, root: int = 0) -> Any:
    """Return what rank `root` passed as `value`, in all ranks.

    Parameters
    ----------
    value
        An array, whose buffer is sent, or anything that can be pickled; only that of rank `root` counts.
    root
        The rank that has it.
    """
    comm = _comm()
    is_root = comm.rank == root
    shape = comm.bcast((value.shape, value.dtype) if is_root and _is_buffer(value) else None, root)
    if shape is None:
        return comm.bcast(value if is_root else None, root)
    array = _contiguous(value) if is_root else _numpy().empty(*shape)
    comm.Bcast(_bytes(array), root)
    return value if is_root else array


def scatter(values: Any, root: int = 0) -> Any:
    """Return this rank's share of a list or an array.

    Parameters
    ----------
    values
        In rank `root`: a sequence, or an array, which is cut along its first axis. The first ranks get one item more
        where it can't be cut evenly.
    root
        The rank that has it.

    Returns
    -------
    list or numpy.ndarray
        Consecutive items, possibly none.
    """
    comm = _comm()
    is_root = comm.rank == root
    shape = comm.bcast((len(values), values.shape[1:], values.dtype) if is_root and _is_buffer(values) else None, root)
    if shape is None:
        parts = None
        if is_root:
            items = list(values)
            parts = [items[start : start + count] for start, count in _shares(len(items), comm.size)]
        return comm.scatter(parts, root)
    length, row, dtype = shape
    shares = _shares(length, comm.size)
    part = _numpy().empty((shares[comm.rank][1], *row), dtype)
    comm.Scatterv(_spread(_contiguous(values), shares) if is_root else None, _bytes(part), root)
    return part


def gather(values: Any, root: int = 0) -> Any:
    """Return all ranks' lists or arrays as one, in rank `root`; None in the others.

    Parameters
    ----------
    values
        A sequence, or an array of at least one dimension; the lengths may differ.
    root
        The rank that gets the whole.
    """
    comm = _comm()
    if not _all_are_buffers(values):
        parts = comm.gather(list(values), root)
        return None if parts is None else [item for part in parts for item in part]
    part = _contiguous(values)
    lengths = comm.gather((len(part), part.shape[1:], part.dtype), root)
    if lengths is None:
        comm.Gatherv(_bytes(part), None, root)
        return None
    whole, shares = _whole(lengths)
    comm.Gatherv(_bytes(part), _spread(whole, shares), root)
    return whole


def allgather(values: Any) -> Any:
    """Return all ranks' lists or arrays as one, in all ranks."""
    return bcast(gather(values))


def reduce(value: Any, op: str = "sum", root: int = 0) -> Any:
    """Combine the values of all ranks, arrays item by item; None in ranks other than `root`.

    Parameters
    ----------
    value
        A number, or an array of one shape and type in all ranks.
    op
        "sum", "prod", "min", "max", or of ints and bools "and", "or", "xor".
    root
        The rank that gets the result.
    """
    comm = _comm()
    mpi_op, combine = _operation(op, value)
    if not _is_buffer(value):
        return comm.reduce(value, mpi_op, root)
    if not _has_mpi_type(value):
        parts = comm.gather(value, root)
        return None if parts is None else functools.reduce(combine, parts)
    array = _contiguous(value)
    result = _numpy().empty_like(array) if comm.rank == root else None
    comm.Reduce(array, result, mpi_op, root)
    return result


def allreduce(value: Any, op: str = "sum") -> Any:
    """Combine the values of all ranks, arrays item by item; all ranks get the result.

    Parameters
    ----------
    value
        A number, or an array of one shape and type in all ranks.
    op
        "sum", "prod", "min", "max", or of ints and bools "and", "or", "xor".
    """
    comm = _comm()
    mpi_op, combine = _operation(op, value)
    if not _is_buffer(value):
        return comm.allreduce(value, mpi_op)
    if not _has_mpi_type(value):
        return functools.reduce(combine, comm.allgather(value))
    array = _contiguous(value)
    result = _numpy().empty_like(array)
    comm.Allreduce(array, result, mpi_op)
    return result


def send(array: Any, dest: int, tag: int = 0) -> None:
    """Send an array, or a number, to a rank.

    Parameters
    ----------
    array
        Of numbers, bools or dates; any layout. It is sent in C order.
    dest
        The rank that receives it.
    tag
        From 0 to 32767: the receiver asks for the same.
    """
    _calls().send(array, dest, tag)


def recv(array: Any, source: int, tag: int = 0) -> tuple[int, int]:
    """Fill an array with what a rank sends, in C order.

    Parameters
    ----------
    array
        Large enough, and of the dtype that is sent. Where fewer items come, the rest stays as it is.
    source
        The rank that sends, or `ANY_SOURCE`.
    tag
        The message's.

    Returns
    -------
    tuple
        The rank that sent it, and how many items came.
    """
    return cast("tuple[int, int]", _calls().recv(array, source, tag))


def sendrecv(sent: Any, dest: int, received: Any, source: int, tag: int = 0) -> tuple[int, int]:
    """Send one array and fill another at the same time, so that ranks may send to each other; returns as `recv`."""
    return cast("tuple[int, int]", _calls().sendrecv(sent, dest, received, source, tag))


def isend(array: Any, dest: int, tag: int = 0) -> int:
    """Begin to send an array; until the request that is returned is done, the array must not be changed."""
    return cast("int", _calls().isend(array, dest, tag))


def irecv(array: Any, source: int, tag: int = 0) -> int:
    """Begin to fill an array, which lies in C order; until the request that is returned is done, leave it alone."""
    return cast("int", _calls().irecv(array, source, tag))


def wait(request: int) -> tuple[int, int]:
    """Wait until a request is done; return who sent, and how many items: -1 and 0 where it sent, or was done before."""
    return cast("tuple[int, int]", _calls().wait(request))


def waitall(requests: Sequence[int] | np.ndarray[Any, Any]) -> None:
    """Wait until all requests are done."""
    _calls().waitall(_listed(requests))


def waitany(requests: Sequence[int] | np.ndarray[Any, Any]) -> int:
    """Wait until one more request is done, and return its position; -1 where all were done before."""
    return cast("int", _calls().waitany(_listed(requests)))


def test(request: int) -> bool:
    """Return whether a request is done, without waiting for it."""
    return cast("bool", _calls().test(request))


def testall(requests: Sequence[int] | np.ndarray[Any, Any]) -> bool:
    """Return whether all requests are done, without waiting for them."""
    return cast("bool", _calls().testall(_listed(requests)))


def testany(requests: Sequence[int] | np.ndarray[Any, Any]) -> int:
    """Return the position of one more request that is done; -1 where there is none."""
    return cast("int", _calls().testany(_listed(requests)))


def _calls() -> ModuleType:
    from hasten.backends import mpi_calls

    return mpi_calls


def _listed(requests: Sequence[int] | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = _numpy().asarray(requests, _numpy().int64)
    return array


def _comm() -> Any:
    ranks = world()
    ranks.before_collective()
    return ranks.comm


def _numpy() -> Any:
    import numpy

    return numpy


def _operation(op: str, value: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    if op not in _OPERATIONS:
        known = ", ".join(repr(name) for name in _OPERATIONS)
        raise ValueError(f"op={op!r}: values can be combined by {known}")
    if _is_buffer(value) and value.dtype.kind in _REFUSED.get(op, ""):
        raise TypeError(f"op={op!r} can't combine arrays of {value.dtype}")
    name, ufunc = _OPERATIONS[op]
    return getattr(world().mpi, name), getattr(_numpy(), ufunc)


def _is_buffer(value: Any) -> bool:
    """Whether a value is an array that can be sent as it lies in memory."""
    np = _numpy()
    return isinstance(value, np.ndarray) and value.ndim > 0 and not value.dtype.hasobject


def _all_are_buffers(value: Any) -> bool:
    return bool(world().comm.allreduce(_is_buffer(value), world().mpi.LAND))


def _has_mpi_type(array: np.ndarray[Any, Any]) -> bool:
    return array.dtype.kind in "iufc" and array.dtype.isnative and array.dtype.char != "e"


def _contiguous(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    contiguous: np.ndarray[Any, Any] = _numpy().ascontiguousarray(array)
    return contiguous


def _bytes(array: np.ndarray[Any, Any]) -> list[Any]:
    """Describe a contiguous array to MPI."""
    return [array.reshape(-1).view("u1"), array.nbytes, world().mpi.BYTE]


def _spread(array: np.ndarray[Any, Any], shares: list[tuple[int, int]]) -> list[Any]:
    """Describe a contiguous array to MPI, with the start and length of each rank's rows."""
    row = array.dtype.itemsize * math.prod(array.shape[1:])
    places = ([count * row for _, count in shares], [start * row for start, _ in shares])
    return [array.reshape(-1).view("u1"), places, world().mpi.BYTE]


def _shares(length: int, parts: int) -> list[tuple[int, int]]:
    """Return where each share of a sequence starts, and how many items it has."""
    least, more = divmod(length, parts)
    counts = [least + (part < more) for part in range(parts)]
    return [(sum(counts[:part]), count) for part, count in enumerate(counts)]


def _whole(parts: Sequence[tuple[int, Any, Any]]) -> tuple[np.ndarray[Any, Any], list[tuple[int, int]]]:
    """Return an array for all parts, each given by length, shape of a row and type; and where each part goes."""
    _, row, dtype = parts[0]
    for number, (_, other_row, other_dtype) in enumerate(parts):
        if (other_row, other_dtype) != (row, dtype):
            raise ValueError(
                f"arrays can be gathered whose types and shapes of rows are equal; rank 0 has rows of {row} {dtype}, "
                f"rank {number} of {other_row} {other_dtype}"
            )
    starts = [sum(length for length, _, _ in parts[:number]) for number in range(len(parts))]
    whole = _numpy().empty((sum(length for length, _, _ in parts), *row), dtype)
    return whole, list(zip(starts, (length for length, _, _ in parts), strict=True))
