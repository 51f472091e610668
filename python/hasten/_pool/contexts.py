"""Contexts of `multiprocessing` whose pools and queues are Hasten's, and the one that Hasten adds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from multiprocessing import context

from hasten._mirror import original

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    import multiprocessing as standard
    from typing import Any

    from hasten._pool.queues import JoinableQueue as _JoinableQueue
    from hasten._pool.queues import Queue as _Queue
    from hasten._pool.queues import SimpleQueue as _SimpleQueue
else:
    standard = original("multiprocessing")


class HastenPools:
    """What Hasten's contexts have in place of the standard library's."""

    _name: str

    def Pool(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        **options: Any,
    ) -> Any:
        """Return a pool whose workers are started in this context's way; `options` are those of `hasten.Pool`."""
        from hasten._pool.pool import Pool

        return Pool(processes, initializer, initargs, maxtasksperchild, self, **options)

    def Queue(self, maxsize: int = 0) -> Any:
        """Return a queue between processes."""
        return Queue(maxsize)

    def JoinableQueue(self, maxsize: int = 0) -> Any:
        """Return a queue between processes that can be waited for."""
        return JoinableQueue(maxsize)

    def SimpleQueue(self) -> Any:
        """Return a queue between processes that does nothing but put and get."""
        return SimpleQueue()

    def get_context(self, method: str | None = None) -> Any:
        """Return this context, or that of another start method."""
        return self if method is None else get_context(method)

    def get_start_method(self, allow_none: bool = False) -> str:
        """Return the name of the start method."""
        return self._name


class ForkContext(HastenPools, context.ForkContext):
    """Processes are forks of this one."""


class SpawnContext(HastenPools, context.SpawnContext):
    """Processes are interpreters of their own."""


class ForkServerContext(HastenPools, context.ForkServerContext):
    """Processes are forks of multiprocessing's server process."""


_CLASSES: dict[str, type] = {"fork": ForkContext, "spawn": SpawnContext, "forkserver": ForkServerContext}


def get_context(method: str | None = None) -> Any:
    """Return a context: everything of `multiprocessing`, for processes that are started in one way.

    Parameters
    ----------
    method
        "fork", "spawn", "forkserver" or "template"; by default what `set_start_method` chose, or the interpreter's
        default.

    Raises
    ------
    ValueError
        Where there is no such start method.
    """
    if method is None:
        return _context_of(standard.get_context().get_start_method())
    if method not in get_all_start_methods():
        raise ValueError(f"cannot find context for {method!r}; the start methods are {get_all_start_methods()}")
    return _context_of(method)


@functools.cache
def _context_of(method: str) -> Any:
    if method == "template":
        from hasten._pool.template import TemplateContext

        return TemplateContext()
    return _CLASSES[method]()


def get_all_start_methods() -> list[str]:
    """Return the names of the start methods, the interpreter's default first."""
    return [*standard.get_all_start_methods(), "template"]


def Queue(maxsize: int = 0) -> _Queue[Any]:
    """Return a queue between processes, as `multiprocessing.Queue` does.

    Parameters
    ----------
    maxsize
        How many items it holds at most, before `put` waits; 0: any number.

    Returns
    -------
    hasten._pool.queues.Queue
        The queue.
    """
    from hasten._pool import queues

    return queues.Queue(maxsize)


def JoinableQueue(maxsize: int = 0) -> _JoinableQueue[Any]:
    """Return a queue with `task_done` and `join`, as `multiprocessing.JoinableQueue` does.

    Parameters
    ----------
    maxsize
        How many items it holds at most, before `put` waits; 0: any number.

    Returns
    -------
    hasten._pool.queues.JoinableQueue
        The queue.
    """
    from hasten._pool import queues

    return queues.JoinableQueue(maxsize)


def SimpleQueue() -> _SimpleQueue[Any]:
    """Return a queue with `put`, `get` and `empty` alone, as `multiprocessing.SimpleQueue` does.

    Returns
    -------
    hasten._pool.queues.SimpleQueue
        The queue.
    """
    from hasten._pool import queues

    return queues.SimpleQueue()
