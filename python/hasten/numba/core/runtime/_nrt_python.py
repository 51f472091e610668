"""The counts of blocks of memory, one by one. They are always kept."""

from hasten.numba.core.runtime.nrt import rtsys


def memsys_enable_stats() -> None:
    """Do nothing: the counts are always kept."""


def memsys_disable_stats() -> None:
    """Do nothing: the counts are always kept."""


def memsys_stats_enabled() -> bool:
    """Return True."""
    return True


def memsys_get_stats_alloc() -> int:
    """Return how many blocks were taken."""
    return rtsys.get_allocation_stats().alloc


def memsys_get_stats_free() -> int:
    """Return how many blocks were given back."""
    return rtsys.get_allocation_stats().free


def memsys_get_stats_mi_alloc() -> int:
    """Return how many blocks were taken."""
    return rtsys.get_allocation_stats().mi_alloc


def memsys_get_stats_mi_free() -> int:
    """Return how many blocks were given back."""
    return rtsys.get_allocation_stats().mi_free
