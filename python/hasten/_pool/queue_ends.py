"""The two ends of a queue, for programs that wait for them with `multiprocessing.connection.wait` or a selector."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hasten._pool.queues import Queue, SimpleQueue


class Reader:
    """The end that items come out of, in place of the connection that `multiprocessing` has there."""

    readable, writable = True, False

    def __init__(self, queue: Queue[Any] | SimpleQueue[Any]) -> None:
        self._queue = queue

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._queue, "_reader")

    @property
    def closed(self) -> bool:
        """Whether this process is done with it."""
        return self._queue._is_reader_closed or self._queue._closed

    def fileno(self) -> int:
        """Return a descriptor of this process that is readable as long as there are items."""
        _check(self)
        return self._queue._ready_fileno()

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Return whether there is an item; wait for one so many seconds, None: as long as it takes."""
        _check(self)
        return self._queue._wait_for_item(timeout)

    def recv(self) -> Any:
        """Take an item; wait for one."""
        _check(self)
        return self._queue.get()

    def close(self) -> None:
        """Close the descriptor; the queue still gives items."""
        self._queue._is_reader_closed = True
        self._queue._drop_ready()


class Writer:
    """The end that items are put into, in place of the connection that `multiprocessing` has there."""

    readable, writable = False, True

    def __init__(self, queue: Queue[Any] | SimpleQueue[Any]) -> None:
        self._queue = queue

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._queue, "_writer")

    @property
    def closed(self) -> bool:
        """Whether this process is done with it."""
        return self._queue._is_writer_closed or self._queue._closed

    def fileno(self) -> int:
        """Return a descriptor that is always writable: `put` keeps what there is no room for, or waits by itself."""
        _check(self)
        return self._queue._writable_fileno()

    def send(self, obj: Any) -> None:
        """Put an item."""
        _check(self)
        self._queue.put(obj)

    def close(self) -> None:
        """Close the descriptor; items can still be put into the queue."""
        self._queue._is_writer_closed = True
        self._queue._drop_writable()


def _check(end: Reader | Writer) -> None:
    if end.closed:
        raise OSError("handle is closed")


class HasEnds:
    """What a queue has for its ends, which come into being when somebody asks for them."""

    _is_reader_closed = _is_writer_closed = False
    _close_writable: weakref.finalize[..., Any] | None = None
    _writable = -1

    # They hold the queue, which knows them weakly, so that one object stands for an end as long as somebody has it.
    _known_reader: weakref.ref[Reader] | None = None
    _known_writer: weakref.ref[Writer] | None = None

    @property
    def _reader(self: Any) -> Reader:
        known: Reader | None = self._known_reader and self._known_reader()
        if known is None:
            known = Reader(self)
            self._known_reader = weakref.ref(known)
        return known

    @property
    def _writer(self: Any) -> Writer:
        known: Writer | None = self._known_writer and self._known_writer()
        if known is None:
            known = Writer(self)
            self._known_writer = weakref.ref(known)
        return known

    def _writable_fileno(self) -> int:
        if self._close_writable is None:
            self._writable = os.eventfd(0, os.EFD_CLOEXEC)
            self._close_writable = weakref.finalize(self, os.close, self._writable)
            self._close_writable.atexit = False
        return self._writable

    def _drop_writable(self) -> None:
        if self._close_writable is not None:
            self._close_writable()
            self._close_writable = None
