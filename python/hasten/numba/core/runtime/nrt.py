"""The counts of blocks of memory."""

from __future__ import annotations

from typing import NamedTuple

from hasten import _core


class AllocationStats(NamedTuple):
    """How many blocks of memory compiled code has taken and given back; a block holds its count beside its items."""

    alloc: int
    free: int
    mi_alloc: int
    mi_free: int


class _Runtime:
    def get_allocation_stats(self) -> AllocationStats:
        """Return the counts since the process began."""
        counts = _core.stats()
        taken, given_back = counts["blocks_allocated"], counts["blocks_freed"]
        return AllocationStats(taken, given_back, taken, given_back)


rtsys = _Runtime()
