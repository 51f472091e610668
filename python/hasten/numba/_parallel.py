"""How many threads parallel loops use."""

from __future__ import annotations

from hasten import _core

get_num_threads = _core.get_num_threads
get_thread_id = _core.get_thread_id


def set_num_threads(n: int) -> None:
    """Let parallel loops of this thread use at most `n` threads.

    Parameters
    ----------
    n : int
        Between 1 and ``config.NUMBA_NUM_THREADS``.
    """
    if not hasattr(n, "__index__"):
        raise TypeError("The number of threads specified must be an integer")
    _core.set_num_threads(n)


def threading_layer() -> str:
    """Return the one of numba's layers that parallel loops behave like: ``"tbb"``, safe with threads and forks."""
    return "tbb"
