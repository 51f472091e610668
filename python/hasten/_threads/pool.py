"""`multiprocessing.pool.ThreadPool` over the engine's queue."""

from __future__ import annotations

import itertools
import os
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._mirror import original
from hasten._threads import workers
from hasten._threads.results import PoolTimeoutError
from hasten._threads.thread import Thread

if TYPE_CHECKING:
    import concurrent.futures as _futures
    import threading
    from multiprocessing import pool as _pool
    from multiprocessing import util as _util

    from hasten._pool.terms import OnError
else:
    threading = original("threading")
    _pool = original("multiprocessing.pool")
    _util = original("multiprocessing.util")
    _futures = original("concurrent.futures")


_numbers = itertools.count()
_REDRAW = 0.1  # seconds between two looks at how far a map is


class ThreadPool(_core.Crew, _pool.ThreadPool):
    """Runs tasks in threads, as `multiprocessing.pool.ThreadPool` does.

    Besides the standard arguments, calls take

    ``timeout``
        Seconds after which the waiting gives up with `TimeoutError`. A thread can't be killed: tasks that run go on;
        those that nobody has begun are dropped.
    ``on_error``
        ``"raise"``, or ``"return"``: then a task's exception stands in its place among the results.
    ``progress``
        True, or what the bar is called: shows a bar on the terminal.
    ``window``
        Of `imap` and `imap_unordered`: how many tasks are begun at most whose results nobody has read.

    Tasks see the context variables of whoever submitted them. A task that waits for another task of its pool which
    nobody has begun runs that one itself.

    Parameters
    ----------
    processes
        How many threads; by default as many as the machine has cores.
    initializer, initargs
        Called in each thread before its first task. If it raises, the pool fails.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        self._pool: list[Thread] = []
        self._state = _pool.INIT
        if processes is None:
            processes = os.cpu_count() or 1
        if processes < 1:
            raise ValueError(f"Number of processes must be at least 1, not {processes}")
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer must be a callable, not {initializer!r}")
        self._processes = processes
        self._initializer = initializer
        self._initargs = initargs
        self._failure: BaseException | None = None
        self._number = next(_numbers)
        self._set_size(processes)
        self._fill()
        self._terminate_at_exit = _util.Finalize(self, _end, args=(self._worker(),), exitpriority=15)
        self._state = _pool.RUN

    def __del__(self, _warn: Callable[..., None] = warnings.warn, _run: str = _pool.RUN) -> None:
        if self._state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    # ---------------------------------------------------------------- one task

    def apply(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},  # as the standard signature; it is only read
        *,
        timeout: float | None = None,
    ) -> Any:
        """Run ``func(*args, **kwds)`` in a thread and return its value."""
        return _get(self.apply_async(func, args, kwds), timeout)

    apply_async = _core.Crew._apply_async

    # ---------------------------------------------------------------- many tasks

    def map(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        on_error: OnError = "raise",
        progress: bool | str = False,
    ) -> list[Any]:
        """Return ``[func(item) for item in iterable]``, computed in the threads."""
        return self._map(func, iterable, chunksize, False, timeout, on_error, progress)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        on_error: OnError = "raise",
        progress: bool | str = False,
    ) -> list[Any]:
        """Return ``[func(*item) for item in iterable]``, computed in the threads."""
        return self._map(func, iterable, chunksize, True, timeout, on_error, progress)

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        on_error: OnError = "raise",
    ) -> Any:
        """As `map`; return an AsyncResult at once."""
        return self._start_map(func, iterable, chunksize, False, on_error, callback, error_callback)

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        on_error: OnError = "raise",
    ) -> Any:
        """As `starmap`; return an AsyncResult at once."""
        return self._start_map(func, iterable, chunksize, True, on_error, callback, error_callback)

    def imap(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = 1,
        *,
        timeout: float | None = None,
        on_error: OnError = "raise",
        progress: bool | str = False,
        window: int | None = None,
    ) -> Any:  # the standard class, or a generator around it
        """Iterate over ``func(item) for item in iterable``, in order, as the threads compute it."""
        return self._iterate(func, iterable, chunksize, True, timeout, on_error, progress, window)

    def imap_unordered(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = 1,
        *,
        timeout: float | None = None,
        on_error: OnError = "raise",
        progress: bool | str = False,
        window: int | None = None,
    ) -> Any:
        """Iterate over ``func(item) for item in iterable``, in the order in which the threads get ready."""
        return self._iterate(func, iterable, chunksize, False, timeout, on_error, progress, window)

    # ---------------------------------------------------------------- the end

    def close(self) -> None:
        """Take no more tasks; the threads end when all are done."""
        if self._state == _pool.RUN:
            self._state = _pool.CLOSE
            self._close()

    def terminate(self) -> None:
        """Drop what no thread has begun; what runs goes on, for a thread can't be killed, but sees ``stopping``."""
        self._state = _pool.TERMINATE
        self._terminate_at_exit.cancel()
        for thread in self._pool:
            thread.stop()
        _abandon(self._terminate(), _futures.CancelledError("the pool was terminated before this task began"))

    def join(self) -> None:
        """Wait for the threads' end, after `close` or `terminate`."""
        if self._state == _pool.RUN:
            raise ValueError("Pool is still running")
        if self._is_foreign():
            return
        self._lift_windows()
        for thread in self._pool:
            if thread is not threading.current_thread():
                thread.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    # ---------------------------------------------------------------- what the engine asks

    def _add_worker(self) -> None:
        self_reference = weakref.ref(self)

        def fail(error: BaseException) -> None:
            pool = self_reference()
            if pool is not None:
                pool._fail(error)

        name = f"ThreadPool-{self._number}_{len(self._pool)}"
        thread = workers.start(name, self._worker(), self._initializer, self._initargs, fail, daemon=True)
        self._pool.append(thread)

    def _check_running(self) -> None:
        if self._state != _pool.RUN:
            self._refuse()

    def _start_anew(self) -> None:
        self._pool = []
        self._fill()

    def _repopulate_pool(self) -> None:
        self._fill()

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        left = self._recall()
        self._close()
        _abandon(left, _initializer_error(error))

    def _refuse(self) -> None:
        if self._failure is not None:
            raise _initializer_error(self._failure)
        raise ValueError("Pool not running")

    # ---------------------------------------------------------------- how

    def _start_map(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        star: bool,
        on_error: OnError,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> Any:
        self._check_running()
        items = iterable if isinstance(iterable, Sized) else list(iterable)
        if chunksize is None:
            chunks, rest = divmod(len(items), self._processes * 4)
            chunksize = chunks + bool(rest)
        chunksize = max(min(chunksize, len(items)), 1)
        return self._map_job(func, items, chunksize, star, _returns_errors(on_error), callback, error_callback)

    def _map(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        star: bool,
        timeout: float | None,
        on_error: OnError,
        progress: bool | str,
    ) -> list[Any]:
        result = self._start_map(func, iterable, chunksize, star, on_error)
        if progress:
            _show_progress(result, progress, timeout)
            timeout = None if timeout is None else 0
        values: list[Any] = _get(result, timeout)
        return values

    def _iterate(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        ordered: bool,
        timeout: float | None,
        on_error: OnError,
        progress: bool | str,
        window: int | None,
    ) -> Any:
        self._check_running()
        chunksize = 1 if chunksize is None else chunksize
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1, or None, not {window}")
        total = len(iterable) if progress and isinstance(iterable, Sized) else None
        chunksize = min(chunksize, sys.maxsize)
        results = self._imap_job(func, _guarded(iterable), chunksize, ordered, _returns_errors(on_error), window or 0)
        if timeout is None and not progress:
            return results
        return _Watched(results, timeout, _bar(progress, total) if progress else None)


class _Watched:
    """Results each of which is waited for no longer than some time, or whose number a bar shows."""

    def __init__(self, results: Any, timeout: float | None, bar: Any) -> None:
        self._results = results
        self._timeout = timeout
        self._bar = bar

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result."""
        try:
            result = self._results.next(self._timeout if timeout is None else timeout)
        except PoolTimeoutError:
            raise
        except BaseException:  # the end among them
            self._close_bar()
            raise
        if self._bar is not None:
            self._bar.update()
        return result

    def __del__(self) -> None:
        self._close_bar()

    def _close_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()


def _guarded(iterable: Iterable[Any]) -> Iterator[Any]:
    # What is no iterable fails where its first result is read, as in the standard library.
    try:
        return iter(iterable)
    except Exception as error:
        return _raising(error)


def _raising(error: Exception) -> Iterator[Any]:
    raise error
    yield


def _returns_errors(on_error: str) -> bool:
    if on_error not in ("raise", "return"):
        raise ValueError(f'on_error must be "raise" or "return", not {on_error!r}')
    return on_error == "return"


def _initializer_error(error: BaseException) -> RuntimeError:
    failure = RuntimeError(f"the initializer of the pool's threads raised {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure


def _get(result: Any, timeout: float | None) -> Any:
    try:
        return result.get(timeout)
    except PoolTimeoutError as error:
        if not result.ready():
            result._abandon(error)
        raise


def _abandon(jobs: list[Any], error: BaseException) -> None:
    for job in jobs:
        job._abandon(error)


def _end(worker: _core.Worker) -> None:
    # A pool that is merely dropped does what was submitted: somebody may hold a result, or want nothing but the deed.
    if _util.is_exiting():
        _abandon(worker.recall(), _futures.CancelledError("the interpreter ends"))
    worker.close()


def _bar(progress: bool | str, total: int | None) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=progress if isinstance(progress, str) else None)


def _show_progress(result: Any, progress: bool | str, timeout: float | None) -> None:
    """Draw a bar until all tasks have ended, or the time is up."""
    end = None if timeout is None else time.monotonic() + timeout
    with _bar(progress, result._total) as bar:
        while not result.ready() and (end is None or time.monotonic() < end):
            result.wait(_REDRAW if end is None else min(_REDRAW, max(end - time.monotonic(), 0)))
            bar.update(result._completed - bar.n)
        bar.update(result._completed - bar.n)
