"""`multiprocessing.dummy`'s way to make a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hasten._threads.pool import ThreadPool


def Pool(
    processes: int | None = None, initializer: Callable[..., object] | None = None, initargs: Iterable[Any] = ()
) -> ThreadPool:
    """Return a pool of threads."""
    return ThreadPool(processes, initializer, initargs)
