"""What the calls of a pool return: results that come later."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.context import TimeoutError as StandardTimeoutError
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._awaiting import Awaitable
from hasten._core import PoolBatch, PoolCall, PoolResult, PoolStream
from hasten._mirror import original
from hasten._pool.pickling import Call, Payload, encode_task

if TYPE_CHECKING:
    from multiprocessing import pool as standard

    from hasten._pool.crew import Crew

    _Batch = PoolBatch
else:
    _Batch = object  # jobs are batches by what else they are
    standard = original("multiprocessing.pool")


class Options(NamedTuple):
    """How tasks of one call are run."""

    name: str  # of the function, for people
    timeout: int = 0  # nanoseconds
    retries: int = 0
    returns_errors: bool = False

    def plan(self, function: Payload) -> PoolCall:
        """Return how a function is called once in each task."""
        return PoolCall(function, self.timeout, self.retries, encode_task)


class Job(_Batch):
    """Tasks of one call: what of a batch of the engine is the same for all kinds of results.

    The engine puts in what comes; `settle` makes results of it.
    """

    crew: Crew
    options: Options
    _owner: object  # lives as long as there is work for it

    def submit(self, function: Payload, call: Call) -> None:
        """Give one call to the workers; what can't be pickled is a failure of the call."""
        self.crew.engine.submit_call(self, self.options.plan(function), *call)

    def error_of(self, index: int, kind: str, detail: Any) -> BaseException:
        """Return the exception for a failure that the engine reported."""
        return self.crew.exception_of(kind, detail, f"{self.options.name}, item {index}")

    def open_window(self) -> None:
        """Submit the rest, whether results are read or not."""

    def settle(self) -> None:
        """Take over what has come."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether everything has come."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Take back what has not been started."""
        raise NotImplementedError

    def _leave(self) -> None:
        self.crew.job_is_over(self)
        self._owner = None


class AsyncResult(PoolResult, Job, Awaitable, standard.ApplyResult):  # type: ignore[type-arg]
    """The result of ``apply_async`` or ``map_async``. Inside a coroutine, ``await result`` waits for it."""

    def submit_items(self, function: Payload, items: Sequence[Any], chunk_size: int, is_awaited: bool) -> None:
        """Give all items to the workers; `is_awaited`: the caller then reads results until all are there."""
        _, timeout, retries, _ = self.options
        self.crew.engine.submit_items(self, function, items, chunk_size, timeout, retries, is_awaited, encode_task)

    def is_over(self) -> bool:
        """Whether everything has come, and the callback was called."""
        if not self.is_ready and self.left == 0:
            self.settle()
        return self.is_ready

    def settle(self) -> None:
        """Take over what has come."""
        while self.begin_settling():
            try:
                self._take_over()
            finally:
                if self.end_settling():
                    self.crew.engine.interrupt()  # whoever wanted to settle it looks again
                    self.crew.tell()

    def _take_over(self) -> None:
        failures = self.take_failures()
        if self.options.returns_errors:
            for failure in failures:
                self.put_value(failure[0], self.error_of(*failure))
        elif failures and self.error is None:
            self.error = self.error_of(*failures[0])  # the others are of no use to anybody
        if self.left > 0 or self.failures:
            return
        try:
            self._call_back()
        finally:
            self.close()
            self._leave()
            self._tell_watchers()

    def _call_back(self) -> None:
        call, value = (self.callback, self.value) if self.error is None else (self.error_callback, self.error)
        self.callback = self.error_callback = None
        if call is not None:
            try:
                call(value)
            except Exception:
                sys.excepthook(*sys.exc_info())

    def _when_ready(self, watcher: Callable[[], object]) -> None:
        self.__dict__.setdefault("_watchers", []).append(watcher)
        self.is_watched = True
        if self.is_ready:
            self._tell_watchers()

    def _tell_watchers(self) -> None:
        watchers = self.__dict__.get("_watchers")
        while watchers:
            try:
                watcher = watchers.pop()
            except IndexError:
                return  # another thread has told the last one
            watcher()

    def abandon(self) -> None:
        """Take back what has not been started."""
        self.crew.recall(self)

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
        return self.error is None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is there, or `timeout` seconds have passed."""
        if not self.is_over():
            self.crew.wait_for(self.is_over, timeout)

    def _wait_for_end(self, timeout: float | None) -> None:
        self.wait(timeout)
        if not self.is_ready:
            raise StandardTimeoutError


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
        self.crew = crew
        self.options = options
        self._owner = pool
        self._lock = threading.RLock()
        self._has_left = False

    def start(self) -> None:
        """Begin to take items from the input, here or, where that may wait for anything, in a thread of its own."""
        self.crew.adopt(self)
        if self.is_direct:
            try:
                self.crew.engine.feed(self)
            except BaseException:
                self.abandon()
                raise
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

    def open_window(self) -> None:
        """Take the rest of the input, whether results are read or not."""
        PoolStream.open_window(self)
        if self.is_direct:
            self.crew.engine.feed(self)
            self.settle()

    def settle(self) -> None:
        """Take over failures, and leave when all has come."""
        with self._lock:
            put = self.put_value if self.options.returns_errors else self.put_exception
            for failure in self.take_failures():
                put(failure[0], self.error_of(*failure))
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


class WindowedIterator(standard.IMapIterator):  # type: ignore[type-arg]
    """What `imap` returns where it has a window: with the last reference to it, the call ends.

    Nobody could read what the rest of the input waits for.
    """

    def __init__(self, results: ResultIterator) -> None:
        self._results = results

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result, as `ResultIterator.next` does."""
        return self._results.next(timeout)

    def __next__(self) -> Any:  # type: ignore[override]
        return next(self._results)

    def abandon(self) -> None:
        """Take no more from the input, and take back what has not been started."""
        self._results.abandon()

    def __del__(self) -> None:
        if not self._results.is_over():
            self._results.abandon()
            self._results.crew.engine.interrupt()  # whoever waits for the end of all calls
