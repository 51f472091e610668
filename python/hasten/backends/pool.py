"""The pool over a backend: the face of `multiprocessing.pool.Pool`."""

from __future__ import annotations

import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterable
from multiprocessing import util
from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._mirror import original
from hasten._pool.calls import Callbacks, Callee, Keywords, PoolCalls, Terms, listed, name_of
from hasten._pool.tasks import APPLY
from hasten._pool.terms import check_on_error, check_retries, check_timeout
from hasten.backends.interface import Backend, Function
from hasten.backends.jobs import AsyncResult, Job, MapResult, Options, ResultIterator
from hasten.backends.packed import pack_for_tasks
from hasten.backends.suspects import Suspects
from hasten.backends.tasks import function_key

if TYPE_CHECKING:
    from multiprocessing import pool as standard
else:
    standard = original("multiprocessing.pool")

# Items for each worker that `imap` takes from its input and that are not finished, unless `window` says otherwise.
_IN_FLIGHT = 16
# Functions that hold no data but code, so that a worker may keep them as they were loaded.
_PLAIN_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type, _core.Dispatcher)


class ClusterPool(PoolCalls["AsyncResult | MapResult"]):
    """What ``hasten.Pool(backend=…)`` is: a pool whose workers are a backend's.

    Its methods are those of `hasten.Pool`; the manual's page on clusters says what each backend can do.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._cache: dict[int, Any] = {}  # the results that the standard library's classes wait for
        self._jobs: set[Job] = set()
        self._suspects = Suspects()
        self._news = threading.Condition()
        self._state = standard.RUN
        self._terminate = util.Finalize(self, _end, args=(backend, self._jobs), exitpriority=15)

    def __del__(self, _warn: Any = warnings.warn, _run: str = standard.RUN) -> None:
        if getattr(self, "_state", None) == _run:
            _warn(f"unclosed running pool {self!r}", ResourceWarning, source=self)

    def __repr__(self) -> str:
        return f"<hasten.Pool on {type(self._backend).__name__}, {self._state}, {self._backend.workers} workers>"

    # --- how calls start ---

    def _worker_count(self) -> int:
        return max(1, self._backend.workers)

    def _start_call(
        self, func: Callee, args: Iterable[Any], kwds: Keywords, terms: Terms, callbacks: Callbacks
    ) -> AsyncResult:
        options, function = self._prepare(func, *terms)
        result = AsyncResult(self, *map(_guarded, callbacks))
        job = self._begin(Job(self, function, APPLY, options, result.put))
        result.follow(job)
        job.submit(0, (tuple(args), dict(kwds or {})))
        job.complete()
        return result

    def _start_map(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        terms: Terms,
        callbacks: Callbacks,
        is_awaited: bool,
    ) -> MapResult:
        options, function = self._prepare(func, *terms)
        items = listed(iterable)
        size = self._chunk_size(chunksize, items)
        result = MapResult(self, len(items), *map(_guarded, callbacks))
        job = self._begin(Job(self, function, mode, options, result.put))
        result.follow(job)
        for start in range(0, len(items), size):
            job.submit(start, items[start : start + size])
        job.complete()
        return result

    def _start_iteration(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int,
        terms: Terms,
        ordered: bool,
        window: int | None,
    ) -> ResultIterator:
        items = iter(iterable)
        options, function = self._prepare(func, *terms)
        room = _IN_FLIGHT * self._worker_count() * chunksize if window is None else max(window, chunksize)
        results = ResultIterator(self, ordered, room, window is not None)
        job = Job(self, function, mode, options, results.put)
        job.open_window = results.open_window
        results.job = self._begin(job)
        threading.Thread(
            target=results.feed, args=(job, items, chunksize), name="hasten-pool-feeder", daemon=True
        ).start()
        return results

    # --- what all calls share ---

    def _prepare(
        self, func: Callable[..., Any], timeout: float | None, retries: int, on_error: str
    ) -> tuple[Options, Function]:
        self._check_running()
        options = Options(name_of(func), check_timeout(timeout), check_retries(retries), check_on_error(on_error))
        if timeout is not None and not self._backend.kills_tasks:
            raise ValueError(
                f"timeout={timeout!r}: this pool's backend can't end a task that runs; wait with "
                "apply_async(…).get(timeout), or use a pool of processes or of Dask"
            )
        packed = pack_for_tasks(func, self._backend.packs_out_of_band(), self._backend.key)
        function = Function(function_key(self._backend.key), packed, isinstance(func, _PLAIN_FUNCTIONS))
        return options, function

    def _begin(self, job: Job) -> Job:
        with self._news:
            self._jobs.add(job)
        return job

    def _job_is_over(self, job: Job) -> None:
        with self._news:
            self._jobs.discard(job)
            self._news.notify_all()

    # --- the end ---

    def close(self) -> None:
        """Take no more calls; workers are let go when all is done and `join` is called."""
        if self._state == standard.RUN:
            self._state = standard.CLOSE

    def terminate(self) -> None:
        """Take back what has not been started, whose results raise `CancelledError`, and let the workers go."""
        self._state = standard.TERMINATE
        self._terminate()

    def join(self) -> None:
        """Wait until all is done, and let the workers go; after `close` or `terminate`."""
        if self._state == standard.RUN:
            raise ValueError("Pool is still running")
        for job in list(self._jobs):
            job.open_window()
        with self._news:
            self._news.wait_for(lambda: not self._jobs)
        self._terminate()


def _end(backend: Backend, jobs: set[Job]) -> None:
    for job in list(jobs):
        job.cancel()
    backend.close()


def _guarded(callback: Callable[[Any], object] | None) -> Callable[[Any], object] | None:
    """Keep what a callback raises from the thread that brings results."""
    if callback is None:
        return None

    def call(value: Any) -> None:
        try:
            callback(value)
        except Exception:
            sys.excepthook(*sys.exc_info())

    return call
