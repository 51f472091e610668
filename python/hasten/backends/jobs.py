"""The calls of a cluster's pool that are under way."""

from __future__ import annotations

import collections
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from multiprocessing.context import TimeoutError as StandardTimeoutError
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._mirror import original
from hasten._pool.errors import TaskTimeout, WorkerDied
from hasten._pool.pickling import read_failure
from hasten._pool.tasks import APPLY
from hasten.backends.interface import Function, Reply, Task
from hasten.backends.packed import pack_for_tasks

if TYPE_CHECKING:
    from multiprocessing import pool as standard

    from hasten.backends.pool import ClusterPool
else:
    standard = original("multiprocessing.pool")

# How often a task that the backend lost is submitted again before it counts as dead.
_MOST_LOSSES = 10
# In place of that number: its workers died, and it is tried once more.
_SUSPECT = _MOST_LOSSES + 1

Outcome = tuple[bool, Any]
Chunk = tuple[int, Sequence[Any]]  # the position of its first item, and the items


class Options(NamedTuple):
    """How the tasks of one call are run."""

    name: str
    timeout: float | None
    retries: int
    returns_errors: bool


class Job:
    """One call: submits its items, tries them again, and hands the outcome of each to `put`.

    Parameters
    ----------
    put
        Called with the position of an item, and its outcome: True and a value, or False and an exception.
    """

    def __init__(
        self, pool: ClusterPool, function: Function, mode: int, options: Options, put: Callable[[int, Outcome], None]
    ) -> None:
        self._pool = pool
        self._function = function
        self._mode = mode
        self._options = options
        self._put = put
        self._lock = threading.Lock()
        self._recalls: dict[int, Callable[[], None]] = {}
        self._tickets = itertools.count()
        self._unfinished = 0
        self._is_complete = False  # no more items will be submitted
        self._is_over = False
        self.is_cancelled = False
        self.open_window: Callable[[], None] = lambda: None
        """Lets the rest of the input be submitted, whether results are read or not."""

    def submit(self, start: int, items: Sequence[Any]) -> None:
        """Run some items; `start` is the position of the first."""
        with self._lock:
            self._unfinished += len(items) if self._mode != APPLY else 1
        self._send(start, items, self._options.retries)

    def complete(self) -> None:
        """Take note that all items were submitted."""
        with self._lock:
            self._is_complete = True
        self._finish(0)

    def cancel(self) -> None:
        """Take back what has not been started; items that were not started raise `CancelledError`."""
        with self._lock:
            self.is_cancelled = True
            recalls = list(self._recalls.values())
        for recall in recalls:
            recall()
        self.open_window()

    def _send(self, start: int, items: Sequence[Any], retries: int, losses: int = 0) -> None:
        backend = self._pool._backend
        try:
            packed = pack_for_tasks(items, backend.packs_out_of_band(), backend.key)
        except Exception as error:
            if self._is_many(items):
                self._send_singly(start, items, retries)
            else:
                self._deliver(next(self._tickets), start, items, 0, losses, Reply("failed", error))
            return
        task = Task(self._options.name, self._function, self._mode, packed, self._options.timeout)
        ticket = next(self._tickets)
        if self.is_cancelled:
            self._deliver(ticket, start, items, retries, losses, Reply("cancelled"))
            return

        def deliver(reply: Reply) -> None:
            self._deliver(ticket, start, items, retries, losses, reply)

        self._recalls[ticket] = lambda: None
        recall = backend.submit(task, deliver)
        with self._lock:
            if ticket in self._recalls:
                self._recalls[ticket] = recall
        if self.is_cancelled:
            recall()

    def _is_many(self, items: Sequence[Any]) -> bool:
        return self._mode != APPLY and len(items) > 1

    def _send_singly(self, start: int, items: Sequence[Any], retries: int) -> None:
        for offset, item in enumerate(items):
            self._send(start + offset, [item], retries)

    def _deliver(self, ticket: int, start: int, items: Sequence[Any], retries: int, losses: int, reply: Reply) -> None:
        with self._lock:
            self._recalls.pop(ticket, None)
        try:
            self._take_reply(start, items, retries, losses, reply)
        finally:
            if losses == _SUSPECT:
                self._pool._suspects.clear()

    def _take_reply(self, start: int, items: Sequence[Any], retries: int, losses: int, reply: Reply) -> None:
        kind = reply.kind
        if kind == "done":
            self._take(start, items, retries, reply.value.load())
        elif kind == "lost" and losses < _MOST_LOSSES and not self.is_cancelled:
            self._send(start, items, retries, losses + 1)
        elif kind in ("died", "lost") and self._is_many(items) and not self.is_cancelled:
            self._send_singly(start, items, retries)  # so that only the item whose fault it is fails
        elif kind == "died" and losses < _MOST_LOSSES and not self.is_cancelled:
            self._pool._suspects.add(lambda: self._send(start, items, retries, _SUSPECT))
        elif kind in ("died", "lost", "failed") and retries > 0 and not self.is_cancelled:
            self._send(start, items, retries - 1)
        else:
            count = len(items) if self._mode != APPLY else 1
            for offset in range(count):
                self._fail(start + offset, self._exception_of(start + offset, reply))

    def _exception_of(self, index: int, reply: Reply) -> BaseException:
        task = f"{self._options.name}, item {index}"
        if reply.kind == "failed":
            error: BaseException = reply.value
            return error
        if reply.kind == "cancelled" or self.is_cancelled:
            return CancelledError(f"{task} was taken back before it ran")
        why = reply.value or "its worker, or the data that it needs, was lost again and again"
        return WorkerDied(f"{task} did not end: {why}", task)

    def _take(self, start: int, items: Sequence[Any], retries: int, outcomes: list[Outcome]) -> None:
        """Take what a worker answered; a single failure may stand for all items, which could not be read."""
        if self._is_many(items) and len(outcomes) == 1:
            outcomes = outcomes * len(items)
        for offset, (is_value, value) in enumerate(outcomes):
            index = start + offset
            if is_value:
                self._settle(index, (True, value))
            elif retries > 0 and not self.is_cancelled:
                self._send(index, items if self._mode == APPLY else [items[offset]], retries - 1)
            else:
                self._fail(index, self._failure(index, value))

    def _failure(self, index: int, described: bytes) -> BaseException:
        error = read_failure(described)
        if isinstance(error, TaskTimeout):
            error.args = (f"{self._options.name}, item {index}: {error}",)
        return error

    def _fail(self, index: int, error: BaseException) -> None:
        self._settle(index, (self._options.returns_errors, error))

    def _settle(self, index: int, outcome: Outcome) -> None:
        try:
            self._put(index, outcome)
        except Exception:
            sys.excepthook(*sys.exc_info())  # of a callback
        self._finish(1)

    def _finish(self, count: int) -> None:
        with self._lock:
            self._unfinished -= count
            ends = self._is_complete and not self._unfinished and not self._is_over
            self._is_over = self._is_over or ends
        if ends:
            self._pool._job_is_over(self)


class _Abandonable:
    """A result whose job can be taken back."""

    _followed: weakref.ref[Job]  # the pool keeps it while it is under way, and it keeps the result

    def follow(self, job: Job) -> None:
        """Take note of the job that brings the result."""
        self._followed = weakref.ref(job)

    def abandon(self) -> None:
        """Take back what has not been started."""
        job = self._followed()
        if job is not None:
            job.cancel()


class AsyncResult(_Abandonable, standard.ApplyResult):  # type: ignore[type-arg]
    """The result of `apply_async`."""

    def put(self, index: int, outcome: Outcome) -> None:
        """Take the outcome of the only task."""
        self._set(index, outcome)  # type: ignore[attr-defined]


class MapResult(_Abandonable, standard.MapResult):  # type: ignore[type-arg]
    """The result of `map_async` and `starmap_async`."""

    def __init__(
        self,
        pool: ClusterPool,
        length: int,
        callback: Callable[[Any], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        super().__init__(pool, min(length, 1), length, callback, error_callback)
        self._order = threading.RLock()

    def put(self, index: int, outcome: Outcome) -> None:
        """Take the outcome of one item; they come from several threads."""
        is_value, value = outcome
        with self._order:
            self._set(index, (True, [value]) if is_value else outcome)  # type: ignore[attr-defined]


class _Room:
    """How many more items may be taken from an input."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._is_open = False
        self._news = threading.Condition()

    def take(self, count: int) -> None:
        """Wait until there is room for so many."""
        with self._news:
            self._news.wait_for(lambda: self._is_open or self._free >= count)
            self._free -= count

    def give(self, count: int) -> None:
        """Make room for so many."""
        with self._news:
            self._free += count
            self._news.notify()

    def open(self) -> None:
        """Let everything in from now on."""
        with self._news:
            self._is_open = True
            self._news.notify_all()


class ResultIterator(standard.IMapIterator):  # type: ignore[type-arg]
    """What ``imap`` and ``imap_unordered`` return: gives results as they come.

    Parameters
    ----------
    is_ordered
        Whether results come in the order of the input.
    window
        How many items may be taken from the input and not be finished, or, where `counts_unread`, not be read.
    """

    _cond: threading.Condition
    _items: collections.deque[Outcome]
    _index: int
    _length: int | None
    _pool: ClusterPool | None

    def __init__(self, pool: ClusterPool, is_ordered: bool, window: int, counts_unread: bool) -> None:
        super().__init__(pool)
        self._is_ordered = is_ordered
        self._counts_unread = counts_unread
        self._room = _Room(window)
        self._arrivals = itertools.count()
        self._order = threading.Lock()
        self.job: Job | None = None

    def feed(self, job: Job, items: Iterator[Any], size: int) -> None:
        """Submit the input as there is room; runs in a thread of its own, for the input may wait for anything."""
        count = 0
        for chunk in self._chunks(job, items, size):
            if isinstance(chunk, BaseException):
                self._arrive(count, (False, chunk))
                count += 1
                break
            job.submit(count, chunk)
            count += len(chunk)
        self._set_length(count)  # type: ignore[attr-defined]
        job.complete()

    def _chunks(self, job: Job, items: Iterator[Any], size: int) -> Iterator[tuple[Any, ...] | BaseException]:
        """Take from the input as there is room; what it raises comes last."""
        while not job.is_cancelled:
            self._room.take(size)
            if job.is_cancelled:
                return
            try:
                chunk = tuple(itertools.islice(items, size))
            except BaseException as error:
                yield error
                return
            if not chunk:
                return
            self._room.give(size - len(chunk))
            yield chunk

    def open_window(self) -> None:
        """Let everything run, read or not."""
        self._room.open()

    def put(self, index: int, outcome: Outcome) -> None:
        """Take the outcome of one item."""
        self._arrive(index, outcome)
        if not self._counts_unread:
            self._room.give(1)

    def _arrive(self, index: int, outcome: Outcome) -> None:
        with self._order:
            self._set(index if self._is_ordered else next(self._arrivals), outcome)  # type: ignore[attr-defined]

    def abandon(self) -> None:
        """Take no more from the input, and take back what has not been started."""
        if self.job is not None:
            self.job.cancel()

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result, or raise what its task raised.

        Raises
        ------
        multiprocessing.TimeoutError
            Where it does not come within `timeout` seconds.
        """
        with self._cond:
            if not self._wait(timeout):
                raise StandardTimeoutError
            if not self._items:
                self._pool = None
                self._cond.notify_all()
                raise StopIteration
            is_value, value = self._items.popleft()
        if self._counts_unread:
            self._room.give(1)
        if is_value:
            return value
        raise value

    __next__ = next

    def _wait(self, timeout: float | None) -> bool:
        try:
            return self._cond.wait_for(lambda: bool(self._items) or self._index == self._length, timeout)
        except BaseException:  # Ctrl-C
            self.abandon()
            raise
