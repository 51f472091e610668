"""``Pool``: `multiprocessing.pool.Pool` on Hasten's engine."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import util
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._core import PoolCall
from hasten._cores import available_cores
from hasten._mirror import original
from hasten._pool.calls import Callbacks, Callee, Keywords, PoolCalls, Terms, listed, name_of
from hasten._pool.contexts import get_context
from hasten._pool.crew import Crew
from hasten._pool.main_module import check_guard, prepare_for
from hasten._pool.pickling import Payload, is_named
from hasten._pool.results import AsyncResult, Options, ResultIterator, WindowedIterator
from hasten._pool.tasks import APPLY
from hasten._pool.terms import (
    check_initializer,
    check_max_memory,
    check_max_shm,
    check_on_error,
    check_processes,
    check_retries,
    check_timeout,
)

if TYPE_CHECKING:
    from multiprocessing import pool as standard
else:
    standard = original("multiprocessing.pool")

# Tasks for each worker that `imap` takes from its input and that are not finished, unless `window` says otherwise. Of
# large ones the engine takes fewer.
_IN_FLIGHT = 128
# The engine counts the items of a chunk in 24 bits.
_MOST_IN_CHUNK = 1 << 20
# Of numbers as many go together by default as find room in a lane several times.
_MOST_NUMBERS = 1 << 13

# The options that `Pool` takes by position.
_POSITIONAL = ("processes", "initializer", "initargs", "maxtasksperchild", "context")


class _Plan(NamedTuple):
    """How a function that goes by name was called last: a program calls the same one again and again."""

    function: Callable[..., Any] | None
    terms: Terms | None
    options: Options
    call: PoolCall | None


class Pool(PoolCalls[AsyncResult]):
    """A pool of worker processes.

    All of `multiprocessing.pool.Pool`, and more: a worker that dies costs the task that it ran, which raises
    `hasten.errors.WorkerDied`, and nothing else; lambdas and local functions work.

    Parameters
    ----------
    processes
        How many workers; as many as this process may use processors, by default.
    initializer, initargs
        Called in each worker when it starts.
    maxtasksperchild
        How many tasks a worker runs before a new one takes its place.
    context
        What makes the processes, or the name of a start method; the interpreter's default by default.
    max_memory
        Bytes that a worker may have resident; one that has more is killed, and its task raises `MemoryError`.
    max_shm
        Bytes of shared memory that arrays and other large contents may use on their way, a half of the machine's memory
        (or of what this process may use of it) by default. What finds no room there, or all if it is 0, is copied
        through pipes of fixed size instead, which is slower.
    backend, address
        "mpi" or "dask": the workers are ranks of MPI, or those of the Dask cluster at `address`. What such a pool lacks
        is refused with ValueError; see the manual's page on clusters.
    """

    def __new__(cls, *arguments: Any, backend: str | None = None, **options: Any) -> Any:
        """Return a pool of this class, or the one of a backend."""
        if backend is None:
            return super().__new__(cls)
        from hasten.backends import make_pool

        return make_pool(backend, **dict(zip(_POSITIONAL, arguments, strict=False)), **options)

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        max_memory: int | None = None,
        max_shm: int | None = None,
        backend: str | None = None,
        address: str | None = None,
    ) -> None:
        self._pool: list[Any] = []
        self._last_plan = _Plan(None, None, Options(""), None)
        self._state = standard.INIT
        if address is not None:
            raise ValueError(f'address={address!r}: only a pool with backend="dask" has one')
        processes = available_cores() if processes is None else check_processes(processes)
        if maxtasksperchild is not None and not (isinstance(maxtasksperchild, int) and maxtasksperchild > 0):
            raise ValueError("maxtasksperchild must be a positive int or None")
        check_initializer(initializer)
        most_memory, most_shared = check_max_memory(max_memory), check_max_shm(max_shm)
        self._ctx = get_context(context) if isinstance(context, str) else context or self._default_context()
        check_guard(self._ctx)
        prepare_for(self._ctx)
        self._processes = processes
        make_process = functools.partial(self.Process, self._ctx)
        most_tasks = maxtasksperchild or 0
        self._crew = Crew(make_process, processes, initializer, tuple(initargs), most_tasks, most_memory, most_shared)
        self._pool = self._crew.pool
        self._start_workers()
        self._terminate = util.Finalize(self, self._crew.terminate, exitpriority=15)
        self._state = standard.RUN

    def _start_workers(self) -> None:
        """Start all workers, or none."""
        try:
            self._crew.start_workers()
        except BaseException:
            for process in self._pool:
                if process.exitcode is None:
                    process.terminate()
            for process in self._pool:
                process.join()
            raise

    @staticmethod
    def _default_context() -> Any:
        return get_context()

    def __del__(self, _warn: Any = warnings.warn, _run: str = standard.RUN) -> None:
        if self._state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    def _check_running(self) -> None:
        if self._state != standard.RUN:
            raise ValueError("Pool not running")
        self._crew.prepare()

    def _repopulate_pool(self) -> None:
        self._crew.start_workers()

    # --- how calls start ---

    def _worker_count(self) -> int:
        return self._processes

    def _leave_alone(self) -> None:
        self._crew.attend()

    def _start_call(
        self, func: Callee, args: Iterable[Any], kwds: Keywords, terms: Terms, callbacks: Callbacks
    ) -> AsyncResult:
        self._check_running()
        known = self._last_plan
        if func is known.function and terms == known.terms:
            options, call = known.options, known.call
        else:
            options, call = _options(func, *terms), None
        arguments, keywords = tuple(args), dict(kwds) if kwds else {}
        callback, error_callback = callbacks  # quicker than with a star
        result = AsyncResult(self, self._crew, options, 1, True, callback, error_callback)
        self._crew.adopt(result)
        try:
            if call is None:
                call = self._plan(result, func, terms)
            if call is not None:
                self._crew.engine.submit_call(result, call, arguments, keywords)
        except BaseException:
            self._crew.forget(result)
            raise
        if not result.left:
            result.settle()
        return result

    def _plan(self, result: AsyncResult, func: Callable[..., Any], terms: Terms) -> PoolCall | None:
        """Return how a function is called; None where that can't be said, and the call has failed."""
        function = self._encode_function(result, func, APPLY)
        if function is None:
            return None
        call = result.options.plan(function)
        if is_named(function):
            self._last_plan = _Plan(func, terms, result.options, call)
        return call  # type: ignore[no-any-return]

    def _encode_function(self, result: AsyncResult, func: Callable[..., Any], mode: int) -> Payload | None:
        """Return the first part of the tasks of a call; None where that can't be made, and the call has failed."""
        try:
            return self._crew.encode_function(func, mode)
        except Exception as error:
            result.refuse(error)
            return None

    def _start_map(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        terms: Terms,
        callbacks: Callbacks,
        is_awaited: bool,
    ) -> AsyncResult:
        options = _options(func, *terms)
        self._check_running()
        items = listed(iterable)
        size = self._chunk_size(chunksize, items)
        result = AsyncResult(self, self._crew, options, len(items), False, *callbacks)
        self._crew.adopt(result)
        try:
            function = self._encode_function(result, func, mode)
            if function is not None:
                result.submit_items(function, items, size, is_awaited)
        except BaseException:
            self._crew.forget(result)
            raise
        if not result.left:
            result.settle()
        return result

    def _chunk_size(self, chunksize: int | None, items: Sequence[Any]) -> int:
        # Numbers share nothing that would be pickled once for each chunk, and smaller chunks are under way sooner.
        are_numbers = len(items) > 0 and type(items[0]) in (int, float)
        most = _MOST_NUMBERS if chunksize is None and are_numbers else _MOST_IN_CHUNK
        return min(super()._chunk_size(chunksize, items), most, max(1, len(items)))

    def _start_iteration(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int,
        terms: Terms,
        ordered: bool,
        window: int | None,
    ) -> ResultIterator | WindowedIterator:
        options = _options(func, *terms)
        function = self._crew.encode_function(func, mode)
        chunksize = min(chunksize, _MOST_IN_CHUNK)
        room = _IN_FLIGHT * self._processes if window is None else max(1, window // chunksize)
        results = ResultIterator(
            self, self._crew, options, function, iter(iterable), chunksize, ordered, room, window is not None
        )
        results.start()
        self._crew.attend()
        return results if window is None else WindowedIterator(results)

    # --- the end ---

    def close(self) -> None:
        """Take no more calls; workers leave when all is done."""
        util.debug("closing pool")
        if self._state == standard.RUN:
            self._state = standard.CLOSE
            self._crew.close()

    def terminate(self) -> None:
        """End all workers at once; calls that are not finished raise `CancelledError`."""
        util.debug("terminating pool")
        self._state = standard.TERMINATE
        self._terminate()

    def join(self) -> None:
        """Wait for the workers to leave, after `close` or `terminate`."""
        util.debug("joining pool")
        if self._state == standard.RUN:
            raise ValueError("Pool is still running")
        if self._state not in (standard.CLOSE, standard.TERMINATE):
            raise ValueError("In unknown state")
        self._crew.join()


def _options(func: Callable[..., Any], timeout: float | None, retries: int, on_error: str) -> Options:
    return task_options(name_of(func), timeout, retries, check_on_error(on_error))


def task_options(name: str, timeout: float | None, retries: int, returns_errors: bool = False) -> Options:
    """Return options that were checked; `name`: of the function."""
    return Options(name, int((check_timeout(timeout) or 0) * 1e9), check_retries(retries), returns_errors)
