"""`concurrent.futures.ProcessPoolExecutor` on Hasten's engine."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import util
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hasten._cores import available_cores
from hasten._executor_map import ordered_map
from hasten._mirror import original
from hasten._pool.calls import name_of
from hasten._pool.contexts import get_context
from hasten._pool.executor_crew import ExecutorCrew, ProcessFuture
from hasten._pool.main_module import check_guard, prepare_for
from hasten._pool.pickling import Call
from hasten._pool.pool import task_options
from hasten._pool.results import Options
from hasten._pool.terms import check_initializer, check_max_memory, check_max_shm

if TYPE_CHECKING:
    from concurrent.futures import Executor as _StandardExecutor  # the methods of its subclass are replaced
    from concurrent.futures.process import BrokenProcessPool
else:
    _standard = original("concurrent.futures.process")
    _StandardExecutor, BrokenProcessPool = _standard.ProcessPoolExecutor, _standard.BrokenProcessPool

OnWorkerDeath = Literal["break", "replace"]


class ProcessPoolExecutor(_StandardExecutor):
    """Runs calls in worker processes, as `concurrent.futures.ProcessPoolExecutor` does.

    Its futures can be awaited in coroutines. Lambdas and local functions work.

    Parameters
    ----------
    max_workers
        How many workers there may be; as many as this process may use processors, by default.
    mp_context
        What makes the processes, or the name of a start method; the interpreter's default by default.
    initializer, initargs
        Called in each worker when it starts. If it raises, the executor is broken.
    max_tasks_per_child
        How many calls a worker runs before a new one takes its place. Not with the start method fork.
    on_worker_death
        "break": the end of a worker that nobody asked to leave ends the executor, whose calls raise
        `BrokenProcessPool`, as the standard library's do. "replace": it costs the call that it ran, which raises
        `hasten.errors.WorkerDied`, and a new worker takes its place.
    timeout
        Seconds that each call may run; then its worker is killed and replaced, and the call raises `TimeoutError`.
    retries
        How often a call that fails, for whatever reason, is tried again.
    max_memory
        Bytes that a worker may have resident; one that has more is killed and replaced, and its call raises
        `MemoryError`.
    max_shm
        Bytes of shared memory that arrays and other large contents may use on their way, as for `hasten.Pool`.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        on_worker_death: OnWorkerDeath = "break",
        timeout: float | None = None,
        retries: int = 0,
        max_memory: int | None = None,
        max_shm: int | None = None,
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        check_initializer(initializer)
        if on_worker_death not in ("break", "replace"):
            raise ValueError(f"on_worker_death={on_worker_death!r}: use 'break' or 'replace'")
        self._max_memory, self._max_shm = check_max_memory(max_memory), check_max_shm(max_shm)
        if isinstance(mp_context, str):
            mp_context = get_context(mp_context)
        if mp_context is None:
            mp_context = multiprocessing.get_context(None if max_tasks_per_child is None else "spawn")
        check_guard(mp_context)
        prepare_for(mp_context)
        starts_all = mp_context.get_start_method(allow_none=False) == "fork"
        _check_tasks_per_child(max_tasks_per_child, starts_all)
        self._max_workers = max_workers or available_cores()
        self._mp_context = mp_context
        # A fork copies what other threads are in the middle of, so all workers are forked at the first call.
        self._safe_to_dynamically_spawn_children = not starts_all
        self._initializer = initializer
        self._initargs = tuple(initargs)
        self._max_tasks_per_child = max_tasks_per_child
        self._breaks = on_worker_death == "break"
        _, self._timeout, self._retries, _ = task_options("", timeout, retries)
        self._shutdown_thread = False
        self._shutdown_lock = threading.RLock()  # pickling runs code of the arguments
        self._crew: ExecutorCrew | None = None

    # --- calls ---

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> ProcessFuture:
        """Let a worker call ``fn(*args, **kwargs)``; the arguments are pickled at once.

        Returns
        -------
        Future
            Which gives the result, can be waited for with `concurrent.futures.wait`, and be awaited in a coroutine.

        Raises
        ------
        BrokenProcessPool
            Where a worker died before.
        RuntimeError
            After `shutdown`.
        """
        with self._shutdown_lock:
            crew = self._ready_crew()
            future = crew.submit(Options(name_of(fn), self._timeout, self._retries), fn, Call((args, kwargs)))
        crew.attend()
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """Return an iterator over ``fn(*x)`` for each `x` of the zipped iterables, in order.

        Parameters
        ----------
        timeout
            Seconds from this call on in which a result must have come; `TimeoutError` is raised otherwise.
        chunksize
            How many items go to a worker together.
        buffersize
            How many chunks may have been taken from the input whose results have not been read; by default the input
            is read at once.
        """
        return ordered_map(self, fn, iterables, timeout, chunksize, buffersize)

    def _ready_crew(self) -> ExecutorCrew:
        """Return the workers, one more of them where all are busy."""
        crew = self._crew
        if crew is not None:
            crew.look_if_idle()
            if crew.broken:
                raise BrokenProcessPool(crew.broken)
        if self._shutdown_thread:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _Exit.is_over:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        if crew is None or crew.is_foreign():
            crew = self._crew = self._make_crew()
        if crew.processes < self._max_workers:
            busy = crew.demand + 1 if self._safe_to_dynamically_spawn_children else self._max_workers
            crew.processes = max(crew.processes, min(busy, self._max_workers))
        crew.prepare()
        return crew

    def _make_crew(self) -> ExecutorCrew:
        crew = ExecutorCrew(
            self._breaks,
            self._mp_context.Process,
            0,
            self._initializer,
            self._initargs,
            self._max_tasks_per_child or 0,
            self._max_memory,
            self._max_shm,
        )
        weakref.finalize(self, crew.close).atexit = False  # what was submitted is done though nobody can ask for more
        _Exit.watch(crew)
        return crew

    # --- the end ---

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls.

        Parameters
        ----------
        wait
            Return when all calls are done and the workers have left.
        cancel_futures
            Cancel what no worker has begun.
        """
        with self._shutdown_lock:
            self._shutdown_thread = True
        crew = self._crew
        if crew is None or crew.is_foreign():
            return
        if cancel_futures:
            crew.cancel(None, spares_first=True)
        crew.close()
        if wait:
            crew.join()

    def terminate_workers(self) -> None:
        """Take no more calls, and end the workers by SIGTERM; what they were doing raises `BrokenProcessPool`."""
        self._end_workers("terminate")

    def kill_workers(self) -> None:
        """Take no more calls, and end the workers by SIGKILL; what they were doing raises `BrokenProcessPool`."""
        self._end_workers("kill")

    def _end_workers(self, how: str) -> None:
        self.shutdown(wait=False, cancel_futures=True)
        if self._crew is not None and not self._crew.is_foreign():
            self._crew.end_workers(how)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        # Who presses Ctrl-C does not want to wait.
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.terminate_workers()
        self.shutdown(wait=True)

    # --- what programs know of the standard class ---

    @property
    def _broken(self) -> str | bool:
        if self._crew is None:
            return False
        self._crew.look_if_idle()
        return self._crew.broken or False

    @property
    def _processes(self) -> dict[int, Any]:
        return {process.pid: process for process in self._crew.pool} if self._crew is not None else {}

    @property
    def _executor_manager_thread(self) -> _Manager | None:
        return _Manager(self._crew) if self._crew is not None else None

    _call_queue = _executor_manager_thread


class _Manager:
    """Stands for the standard executor's thread and its queue, whose end programs wait for."""

    def __init__(self, crew: ExecutorCrew) -> None:
        self.join = self.join_thread = crew.join


class _Exit:
    """Before the interpreter joins its threads, or a worker its children, executors finish what was submitted."""

    is_over = False
    crews: ClassVar[weakref.WeakSet[ExecutorCrew]] = weakref.WeakSet()
    _process = -1

    @classmethod
    def watch(cls, crew: ExecutorCrew) -> None:
        """Let a crew finish before this process ends."""
        if cls._process != os.getpid():
            cls._process = os.getpid()
            util.Finalize(None, cls.finish, exitpriority=20)  # in processes that multiprocessing started
        cls.crews.add(crew)

    @classmethod
    def finish(cls) -> None:
        """Wait for the end of all calls; not where the program was ended by Ctrl-C."""
        cls.is_over = True
        crews = [crew for crew in cls.crews if not crew.is_foreign()]
        if _was_interrupted():
            for crew in crews:
                crew.cancel(None)
                crew.end_workers("terminate")
        for crew in crews:
            crew.close()
            crew.join()


def _was_interrupted() -> bool:
    """Whether Ctrl-C is what ends this program: that is the exception that nobody has caught."""
    last = getattr(sys, "last_type", None)
    return last is not None and issubclass(last, KeyboardInterrupt) and not hasattr(sys, "ps1")


original("threading")._register_atexit(_Exit.finish)


def _check_tasks_per_child(most: int | None, is_forking: bool) -> None:
    if most is None:
        return
    if not isinstance(most, int):
        raise TypeError("max_tasks_per_child must be an integer")
    if most <= 0:
        raise ValueError("max_tasks_per_child must be >= 1")
    if is_forking:
        raise ValueError(
            "max_tasks_per_child is incompatible with the 'fork' multiprocessing start method; "
            "supply a different mp_context."
        )
