"""The pool over a backend: the face of `multiprocessing.pool.Pool`."""

from __future__ import annotations

import sys
import threading
import types
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from multiprocessing import util
from typing import TYPE_CHECKING, Any, Literal

from hasten import _core
from hasten._mirror import original
from hasten._pool.tasks import APPLY, MAP, STARMAP
from hasten.backends.interface import Backend, Function
from hasten.backends.jobs import AsyncResult, Job, MapResult, Options, ResultIterator
from hasten.backends.packed import pack_for_tasks

if TYPE_CHECKING:
    from multiprocessing import pool as standard
else:
    standard = original("multiprocessing.pool")

# Items for each worker that `imap` takes from its input and that are not finished, unless `window` says otherwise.
_IN_FLIGHT = 16
# Functions that hold no data but code, so that a worker may keep them as they were loaded.
_PLAIN_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type, _core.Dispatcher)

OnError = Literal["raise", "return"]


class ClusterPool(standard.Pool):
    """What ``hasten.Pool(backend=…)`` is: a pool whose workers are a backend's.

    Its methods are those of `hasten.Pool`; the manual's page on clusters says what each backend can do.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._cache: dict[int, Any] = {}  # the results that the standard library's classes wait for
        self._jobs: set[Job] = set()
        self._news = threading.Condition()
        self._state = standard.RUN
        self._terminate = util.Finalize(self, _end, args=(backend, self._jobs), exitpriority=15)

    def __del__(self, _warn: Any = warnings.warn, _run: str = standard.RUN) -> None:
        if getattr(self, "_state", None) == _run:
            _warn(f"unclosed running pool {self!r}", ResourceWarning, source=self)

    def __repr__(self) -> str:
        return f"<hasten.Pool on {type(self._backend).__name__}, {self._state}, {self._backend.workers} workers>"

    # --- one call ---

    def apply(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> Any:
        """Return ``func(*args, **kwds)``, called in a worker; the options are those of `hasten.Pool.apply`."""
        result, job = self._apply(func, args, kwds, timeout, retries, on_error)
        return _get(result, job)

    def apply_async(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> AsyncResult:
        """Start `apply`; the result comes later."""
        return self._apply(func, args, kwds, timeout, retries, on_error, callback, error_callback)[0]

    def _apply(
        self,
        func: Callable[..., Any],
        args: Iterable[Any],
        kwds: dict[str, Any] | None,
        timeout: float | None,
        retries: int,
        on_error: str,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> tuple[AsyncResult, Job]:
        options, function = self._prepare(func, timeout, retries, on_error)
        result = AsyncResult(self, _guarded(callback), _guarded(error_callback))
        job = self._begin(Job(self, function, APPLY, options, result.put))
        job.submit(0, (tuple(args), dict(kwds or {})))
        job.complete()
        return result, job

    # --- many calls ---

    def map(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        on_error: OnError = "raise",
    ) -> list[Any]:
        """Return ``[func(x) for x in iterable]``, computed by the workers; the options are those of `hasten.Pool`."""
        return self._map(func, iterable, MAP, chunksize, timeout, retries, progress, ordered, on_error)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        on_error: OnError = "raise",
    ) -> list[Any]:
        """Return ``[func(*x) for x in iterable]``, computed by the workers."""
        return self._map(func, iterable, STARMAP, chunksize, timeout, retries, progress, ordered, on_error)

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> MapResult:
        """Start `map`; the results come later."""
        options = (timeout, retries, on_error)
        return self._start(func, iterable, MAP, chunksize, options, callback, error_callback)[0]

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> MapResult:
        """Start `starmap`; the results come later."""
        options = (timeout, retries, on_error)
        return self._start(func, iterable, STARMAP, chunksize, options, callback, error_callback)[0]

    def _start(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        options: tuple[float | None, int, str],
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> tuple[MapResult, Job]:
        checked, function = self._prepare(func, *options)
        items = _listed(iterable)
        size = self._chunk_size(chunksize, len(items))
        result = MapResult(self, len(items), _guarded(callback), _guarded(error_callback))
        job = self._begin(Job(self, function, mode, checked, result.put))
        for start in range(0, len(items), size):
            job.submit(start, items[start : start + size])
        job.complete()
        return result, job

    def _map(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        timeout: float | None,
        retries: int,
        progress: bool,
        ordered: bool,
        on_error: str,
    ) -> list[Any]:
        options = (timeout, retries, on_error)
        if ordered and not progress:
            return _get(*self._start(func, iterable, mode, chunksize, options))  # type: ignore[no-any-return]
        items = _listed(iterable)
        size = self._chunk_size(chunksize, len(items))
        results = self._iterate(func, iter(items), mode, size, options, ordered, None)
        try:
            return list(_with_progress(results, len(items)) if progress else results)
        except BaseException:
            results.abandon()
            raise

    def _chunk_size(self, chunksize: int | None, length: int) -> int:
        if chunksize is None:
            return max(1, -(-length // (4 * max(1, self._backend.workers))))
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        return chunksize

    def imap(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int = 1,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        window: int | None = None,
        on_error: OnError = "raise",
    ) -> Iterator[Any]:
        """Return an iterator over ``func(x)`` for each `x`; the options are those of `hasten.Pool.imap`."""
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        if window is not None and window < 1:
            raise ValueError(f"window={window!r}: at least one item must be on its way")
        options = (timeout, retries, on_error)
        total = len(iterable) if isinstance(iterable, Sized) else None
        results = self._iterate(func, iter(iterable), MAP, chunksize, options, ordered, window)
        return _with_progress(results, total) if progress else results

    def imap_unordered(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int = 1,
        **options: Any,
    ) -> Iterator[Any]:
        """Return what `imap` returns, in the order in which the results are ready."""
        return self.imap(func, iterable, chunksize, ordered=False, **options)

    def _iterate(
        self,
        func: Callable[..., Any],
        items: Iterator[Any],
        mode: int,
        chunksize: int,
        options: tuple[float | None, int, str],
        ordered: bool,
        window: int | None,
    ) -> ResultIterator:
        checked, function = self._prepare(func, *options)
        room = _IN_FLIGHT * max(1, self._backend.workers) * chunksize if window is None else max(window, chunksize)
        results = ResultIterator(self, ordered, room, window is not None)
        job = Job(self, function, mode, checked, results.put)
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
        if self._state != standard.RUN:
            raise ValueError("Pool not running")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout={timeout!r}: the seconds that a task may take are a positive number")
        if timeout is not None and not self._backend.kills_tasks:
            raise ValueError(
                f"timeout={timeout!r}: this pool's backend can't end a task that runs; wait with "
                "apply_async(…).get(timeout), or use a pool of processes or of Dask"
            )
        if retries < 0:
            raise ValueError(f"retries={retries!r}: a task can't be tried again less than 0 times")
        if on_error not in ("raise", "return"):
            raise ValueError(f"on_error={on_error!r}: use 'raise' or 'return'")
        name = getattr(func, "__qualname__", None) or type(func).__qualname__
        packed = pack_for_tasks(func, self._backend.packs_out_of_band())
        function = Function(uuid.uuid4().hex, packed, isinstance(func, _PLAIN_FUNCTIONS))
        return Options(name, timeout, retries, on_error == "return"), function

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

    def __enter__(self) -> ClusterPool:
        if self._state != standard.RUN:
            raise ValueError("Pool not running")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.terminate()


def _end(backend: Backend, jobs: set[Job]) -> None:
    for job in list(jobs):
        job.cancel()
    backend.close()


def _get(result: Any, job: Job) -> Any:
    """Return a result; a call that is interrupted takes back what it had queued."""
    try:
        result.wait()
    except BaseException:
        job.cancel()
        raise
    return result.get()


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


def _listed(iterable: Iterable[Any]) -> Sequence[Any]:
    return iterable if type(iterable) in (list, tuple) else list(iterable)  # type: ignore[return-value]


def _with_progress(results: ResultIterator, total: int | None) -> Iterator[Any]:
    from tqdm.auto import tqdm

    return iter(tqdm(results, total=total))
