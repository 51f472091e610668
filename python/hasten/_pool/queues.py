"""`multiprocessing`'s queues over the engine's queue in shared memory."""

from __future__ import annotations

import collections
import threading
import traceback
import weakref
from multiprocessing import context, util
from typing import TYPE_CHECKING, Any, TypeVar

import hasten._pool.items  # noqa: F401  # how items are pickled
from hasten import _core
from hasten._mirror import original
from hasten._pool.queue_ends import HasEnds
from hasten._pool.worker import Descriptors

if TYPE_CHECKING:
    import queue as _queue
else:
    _queue = original("queue")

_core.register_thread_classes({"empty": _queue.Empty, "full": _queue.Full})

T = TypeVar("T")

Parcel = tuple[int, bytes, bytes]


class _Shared(HasEnds):
    """What both kinds of queues in shared memory have: they travel with a process that starts, and are closed."""

    def __getstate__(self: Any) -> tuple[Any, ...]:
        context.assert_spawning(self)
        return (Descriptors(self._fileno()),)

    def __setstate__(self: Any, state: tuple[Any, ...]) -> None:
        (descriptors,) = state
        self._adopt(*descriptors.take())

    def close(self: Any) -> None:
        """Say that this process neither puts nor gets any more; what it has put is still handed over."""
        self._closed = True
        self._drop_ready()
        self._drop_writable()


class Queue(_core.ProcessQueue[T], _Shared):
    """A `multiprocessing.Queue` in shared memory.

    Parameters
    ----------
    maxsize
        How many items it holds at most, before `put` waits; 0: any number.
    ctx
        The context that it was made by.
    """

    def __init__(self, maxsize: int = 0, *, ctx: Any = None) -> None:
        super().__init__(maxsize)
        self._reset()

    def _reset(self) -> None:
        # Items for which there was no room, and the thread that puts them when there is.
        self._buffer: collections.deque[Parcel] = collections.deque()
        self._feeding = threading.Lock()
        self._thread: threading.Thread | None = None
        self._join_at_exit: util.Finalize | None = None
        self._joincancelled = False

    def _after_fork(self) -> None:
        self._reset()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        super().__setstate__(state)
        self._reset()

    def join_thread(self) -> None:
        """Wait until everything that this process has put is in shared memory; only after `close`."""
        assert self._closed, f"Queue {self!r} not closed"
        self._settle()
        thread = self._thread
        if thread is not None and not self._joincancelled:
            thread.join()

    def cancel_join_thread(self) -> None:
        """Let the process end although others have no room yet for what it has put."""
        self._settle()
        self._joincancelled = True
        if self._join_at_exit is not None:
            self._join_at_exit.cancel()
            self._join_at_exit = None

    def _spill(self, parcel: Parcel) -> None:
        with self._feeding:
            self._buffer.append(parcel)
            if self._thread is None:
                self._start_thread()

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._feed_all, name="QueueFeederThread", daemon=True)
        self._thread.start()
        if not self._joincancelled:
            self._join_at_exit = util.Finalize(self._thread, _join, [weakref.ref(self._thread)], exitpriority=-5)

    def _feed_all(self) -> None:
        while True:
            with self._feeding:
                if not self._buffer:
                    self._thread = None
                    return
                parcel = self._buffer.popleft()
            try:
                self._feed(parcel)
            except Exception as error:
                if util.is_exiting():
                    return
                self._on_queue_feeder_error(error, parcel)

    @staticmethod
    def _on_queue_feeder_error(error: BaseException, item: object) -> None:
        """Report an item that can't be put; subclasses may override it."""
        traceback.print_exception(error)


def _join(thread: weakref.ref[threading.Thread]) -> None:
    found = thread()
    if found is not None:
        found.join()


class JoinableQueue(Queue[T]):
    """A `multiprocessing.JoinableQueue` in shared memory."""

    def task_done(self) -> None:
        """Say that an item that was got is done.

        Raises
        ------
        ValueError
            Where it is called more often than items were put.
        """
        self._task_done()

    def join(self) -> None:
        """Wait until every item that was put is done."""
        self._join()


class SimpleQueue(_core.ProcessSimpleQueue[T], _Shared):
    """A `multiprocessing.SimpleQueue` in shared memory; `put` waits while it is full of bytes."""

    def __init__(self, *, ctx: Any = None) -> None:
        super().__init__()
