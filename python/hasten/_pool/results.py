"""What the calls of a pool return: results that come later."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.context import TimeoutError as StandardTimeoutError
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._awaiting import Awaitable
from hasten._core import PoolBatch, PoolStream
from hasten._mirror import original
from hasten._pool.pickling import Call, Payload, encode_task

if TYPE_CHECKING:
    from multiprocessing import pool as standard

    from hasten._pool.crew import Crew
else:
    standard = original("multiprocessing.pool")

# Numbers that name batches.
next_key = itertools.count().__next__


class Options(NamedTuple):
    """How tasks of one call are run."""

    name: str  # of the function, for people
    timeout: int = 0  # nanoseconds
    retries: int = 0
    returns_errors: bool = False


class Job:
    """Tasks of one call. Its batches are filled by the engine; `settle` turns what is in them into results."""

    def __init__(self, pool: object, crew: Crew, options: Options) -> None:
        self.crew = crew
        self.options = options
        self._owner = pool  # lives as long as there is work for it
        self._lock = threading.RLock()

    def submit(self, batch: PoolBatch, function: Payload, call: Call) -> None:
        """Give one call to the workers; what can't be pickled is a failure of the call."""
        (args, kwargs), (_, timeout, retries, _) = call, self.options
        self.crew.engine.submit_call(batch, function, args, kwargs, timeout, retries, encode_task)

    def take_failures(self, batch: PoolBatch) -> list[tuple[int, BaseException]]:
        """Return new failures with their positions."""
        found = batch.failures
        batch.failures = []
        return [
            (index, self.crew.exception_of(kind, detail, f"{self.options.name}, item {index}"))
            for index, kind, detail in found
        ]

    def settle(self, batch: PoolBatch | None = None) -> None:
        """Take over what has come in a batch, or in any."""
        raise NotImplementedError

    def batches(self) -> list[PoolBatch]:
        """Return what the engine fills and is not complete."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether everything has come."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Take back what has not been started."""
        raise NotImplementedError

    def _leave(self) -> None:
        self._owner = None
        self.crew.job_is_over(self)


class AsyncResult(Job, Awaitable, standard.ApplyResult):  # type: ignore[type-arg]
    """The result of ``apply_async`` or ``map_async``. Inside a coroutine, ``await result`` waits for it.

    Parameters
    ----------
    is_single
        Whether the result is one value rather than a list.
    """

    def __init__(
        self,
        pool: object,
        crew: Crew,
        options: Options,
        length: int,
        is_single: bool,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> None:
        Job.__init__(self, pool, crew, options)
        self.batch = PoolBatch(next_key(), [None] * length)
        self._is_single = is_single
        self._callback = callback
        self._error_callback = error_callback
        self._error: BaseException | None = None
        self._value: Any = None
        self._is_over = False
        self._is_settling = False
        self._watchers: list[Callable[[], object]] = []

    def submit_items(self, function: Payload, items: Sequence[Any], chunk_size: int) -> None:
        """Give all items to the workers."""
        engine, (_, timeout, retries, _) = self.crew.engine, self.options
        engine.submit_items(self.batch, function, items, chunk_size, timeout, retries, encode_task)

    def batches(self) -> list[PoolBatch]:
        """Return what the engine fills."""
        return [self.batch]

    def is_over(self) -> bool:
        """Whether everything has come, and the callback was called."""
        if not self._is_over and self.batch.left == 0:
            self.settle()
        return self._is_over

    def settle(self, batch: PoolBatch | None = None) -> None:
        """Take over what has come."""
        with self._lock:
            if self._is_over or self._is_settling:
                return
            for index, error in self.take_failures(self.batch):
                if self.options.returns_errors:
                    self.batch.results[index] = error
                elif self._error is None:
                    self._error = error
            if self.batch.left > 0:
                return
            self._is_settling = True
            results = self.batch.results
            self.batch.results = []
            if self._error is None:
                self._value = results[0] if self._is_single else results
            try:
                self._call_back()
            finally:
                self._is_over = True
                self._is_settling = False
        self._leave()
        for watcher in self._watchers:
            watcher()

    def _when_ready(self, watcher: Callable[[], object]) -> None:
        with self._lock:
            if not self._is_over:
                self._watchers.append(watcher)
                return
        watcher()

    def _call_back(self) -> None:
        call, value = (self._callback, self._value) if self._error is None else (self._error_callback, self._error)
        self._callback = self._error_callback = None
        if call is not None:
            try:
                call(value)
            except Exception:
                sys.excepthook(*sys.exc_info())

    def abandon(self) -> None:
        """Take back what has not been started."""
        self.crew.recall(self.batch)

    def ready(self) -> bool:
        """Whether the result is there."""
        return self.is_over()

    def successful(self) -> bool:
        """Whether there was no exception.

        Raises
        ------
        ValueError
            Where the result is not there yet.
        """
        if not self.is_over():
            raise ValueError(f"{self!r} not ready")
        return self._error is None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is there, or `timeout` seconds have passed."""
        if not self.is_over():
            self.crew.wait_for(self.is_over, timeout)

    def get(self, timeout: float | None = None) -> Any:
        """Return the result, or raise what the task raised.

        Raises
        ------
        multiprocessing.TimeoutError
            Where it does not come within `timeout` seconds.
        """
        self.wait(timeout)
        if not self._is_over:
            raise StandardTimeoutError
        if self._error is not None:
            try:
                raise self._error
            finally:
                del self  # no cycle through the traceback
        return self._value


class ResultIterator(PoolStream, Job, standard.IMapIterator):  # type: ignore[misc, type-arg]
    """What ``imap`` and ``imap_unordered`` return: gives results as they come.

    Parameters
    ----------
    window
        How many tasks may be taken from the input and not be finished, or, where `counts_unread`, not be read.
    """

    def __init__(
        self,
        pool: object,
        crew: Crew,
        options: Options,
        function: Payload,
        items: Iterator[Any],
        chunk_size: int,
        is_ordered: bool,
        window: int,
        counts_unread: bool,
    ) -> None:
        PoolStream.__init__(
            self,
            next_key(),
            crew.engine,
            items,
            function,
            encode_task,
            options.timeout,
            options.retries,
            chunk_size,
            window,
            is_ordered,
            counts_unread,
        )
        Job.__init__(self, pool, crew, options)
        self._has_left = False

    def batches(self) -> list[PoolBatch]:
        """Return what the engine fills."""
        return [self]

    def start(self) -> None:
        """Begin to take items from the input, here or, where that may wait for anything, in a thread of its own."""
        self.crew.adopt(self, self)
        if self.is_direct:
            self.crew.engine.feed(self)
            self.settle()
        else:
            threading.Thread(target=self._feed, name="hasten-pool-feeder", daemon=True).start()

    def _feed(self) -> None:
        while not self.is_exhausted:
            self.crew.engine.feed(self)
            self.settle()
            self.crew.tell()
            self.wait_for_room()

    def abandon(self) -> None:
        """Take no more from the input, and take back what has not been started."""
        self.stop()
        self.crew.recall(self)
        self.settle()

    def settle(self, batch: PoolBatch | None = None) -> None:  # type: ignore[override]
        """Take over failures, and leave when all has come."""
        with self._lock:
            put = self.put_value if self.options.returns_errors else self.put_exception
            for index, error in self.take_failures(self):
                put(index, error)
            leaves = self.is_complete and not self._has_left
            self._has_left = self._has_left or leaves
        if leaves:
            self._leave()

    def is_over(self) -> bool:
        """Whether everything has come, read or not."""
        return self._has_left

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result, or raise what its task raised.

        Raises
        ------
        multiprocessing.TimeoutError
            Where it does not come within `timeout` seconds.
        """
        self._wait(timeout)
        return self.__next__()

    def _wait(self, timeout: float | None) -> None:
        try:
            self.crew.wait_for(self.has_news, timeout)
        except BaseException:
            self.abandon()
            raise
        if timeout is not None and not self.has_news():
            raise StandardTimeoutError
