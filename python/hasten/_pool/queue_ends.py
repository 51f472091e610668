"""The two ends of a queue, for programs that wait for them with `multiprocessing.connection.wait` or a selector."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hasten._pool.queues import Queue, SimpleQueue


class _End:
    """What both ends have."""

    name: str  # the queue's attribute

    def __init__(self, queue: Queue[Any] | SimpleQueue[Any]) -> None:
        self._queue = queue

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._queue, self.name)

    @property
    def closed(self) -> bool:
        """Whether this process is done with it."""
        raise NotImplementedError

    def _open_queue(self) -> Any:
        """Return the queue; raise where this end is closed."""
        if self.closed:
            raise OSError("handle is closed")
        return self._queue


class Reader(_End):
    """The end that items come out of, in place of the connection that `multiprocessing` has there."""

    name = "_reader"
    readable, writable = True, False

    @property
    def closed(self) -> bool:
        """Whether this process is done with it."""
        return self._queue._is_reader_closed or self._queue._closed

    def fileno(self) -> int:
        """Return a descriptor of this process that is readable as long as there are items."""
        return int(self._open_queue()._ready_fileno())

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Return whether there is an item; wait for one so many seconds, None: as long as it takes."""
        return bool(self._open_queue()._wait_for_item(timeout))

    def recv(self) -> Any:
        """Take an item; wait for one."""
        return self._open_queue().get()

    def close(self) -> None:
        """Close the descriptor; the queue still gives items."""
        self._queue._is_reader_closed = True
        self._queue._drop_ready()


class Writer(_End):
    """The end that items are put into, in place of the connection that `multiprocessing` has there."""

    name = "_writer"
    readable, writable = False, True

    @property
    def closed(self) -> bool:
        """Whether this process is done with it."""
        return self._queue._is_writer_closed or self._queue._closed

    def fileno(self) -> int:
        """Return a descriptor that is always writable: `put` keeps what there is no room for, or waits by itself."""
        return int(self._open_queue()._writable_fileno())

    def send(self, obj: Any) -> None:
        """Put an item."""
        self._open_queue().put(obj)

    def close(self) -> None:
        """Close the descriptor; items can still be put into the queue."""
        self._queue._is_writer_closed = True
        self._queue._drop_writable()


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
