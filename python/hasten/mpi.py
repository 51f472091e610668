"""Helpers for programs that run as several ranks under MPI: ``mpirun -n 4 hasten run script.py``.

Without mpirun there is one rank, and everything works the same. Arrays travel by buffer; other values by pickle. Each
function but `rank` and `size` is collective: all ranks call it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hasten.backends.ranks import world

if TYPE_CHECKING:
    import numpy as np

__all__ = ["allgather", "allreduce", "barrier", "bcast", "gather", "rank", "reduce", "scatter", "size"]

# The reductions: MPI's operation, and NumPy's for what MPI has no type for.
_OPERATIONS = {
    "sum": ("SUM", "add"),
    "prod": ("PROD", "multiply"),
    "min": ("MIN", "minimum"),
    "max": ("MAX", "maximum"),
}


def rank() -> int:
    """Return the number of this rank, from 0."""
    return world().rank


def size() -> int:
    """Return how many ranks there are."""
    return world().size


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
        "sum", "prod", "min" or "max".
    root
        The rank that gets the result.
    """
    comm = _comm()
    mpi_op, combine = _operation(op)
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
        "sum", "prod", "min" or "max".
    """
    comm = _comm()
    mpi_op, combine = _operation(op)
    if not _is_buffer(value):
        return comm.allreduce(value, mpi_op)
    if not _has_mpi_type(value):
        return functools.reduce(combine, comm.allgather(value))
    array = _contiguous(value)
    result = _numpy().empty_like(array)
    comm.Allreduce(array, result, mpi_op)
    return result


def _comm() -> Any:
    ranks = world()
    ranks.before_collective()
    return ranks.comm


def _numpy() -> Any:
    import numpy

    return numpy


def _operation(op: str) -> tuple[Any, Callable[[Any, Any], Any]]:
    if op not in _OPERATIONS:
        known = ", ".join(repr(name) for name in _OPERATIONS)
        raise ValueError(f"op={op!r}: values can be combined by {known}")
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
