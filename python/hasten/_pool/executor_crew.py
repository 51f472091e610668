"""What of a pool's crew is different for executors: what a death does, and results that are futures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hasten._core import PoolBatch
from hasten._mirror import original
from hasten._pool import executor_worker
from hasten._pool.crew import UNKNOWN_END, Crew
from hasten._pool.errors import TaskUnreadable, describe_exit
from hasten._pool.main_module import MissingGuardError
from hasten._pool.pickling import Call
from hasten._pool.results import Job, Options
from hasten._pool.tasks import APPLY
from hasten._threads.future import Future as _Future

if TYPE_CHECKING:
    import concurrent.futures as _futures
    from concurrent.futures.process import BrokenProcessPool
else:
    _futures = original("concurrent.futures")
    BrokenProcessPool = original("concurrent.futures.process").BrokenProcessPool

# Seconds that workers of a broken executor get to follow SIGTERM before they get SIGKILL.
_GRACE = 1.0


class ExecutorCrew(Crew):
    """The workers of an executor, and the futures of what they do.

    Parameters
    ----------
    breaks
        Whether the end of a worker that nobody asked to leave ends everything.
    """

    work = staticmethod(executor_worker.work)
    is_daemonic = False  # so that tasks may have children

    def __init__(self, breaks: bool, *args: Any) -> None:
        super().__init__(*args)
        self.breaks = breaks
        self.broken = ""  # why it takes no more calls
        self.demand = 0  # calls that were submitted and have not come back from a worker
        self._broken_lane: int | None = None
        self._settlers: set[int] = set()  # threads that run callbacks

    # --- calls ---

    def submit(self, options: Options, function: Callable[..., Any], arguments: Call) -> ProcessFuture:
        """Give one call to the workers."""
        future = ProcessFuture()
        call = _Call(self, options, future)
        future._call = call
        self.demand += 1
        self.adopt(call)
        try:
            call.begin(function, arguments)
        except BaseException:
            call.abandon()
            raise
        if not call.left:
            call.settle()  # it can't be pickled
        return future

    def attend(self) -> None:
        """Let the attendant serve calls that nobody waits for."""
        if self.broken:
            self._settle_all([])  # what came too late to be among those that failed
        super().attend()

    def cancel(self, batch: Job | None, spares_first: bool = False) -> None:
        """Cancel what no worker has begun, of a call or of all; `spares_first`: nor has been started for."""
        self._settle_all(self.engine.recall(batch, spares_first))
        self.engine.interrupt()
        self.tell()

    def deliver(self, future: ProcessFuture, value: Any, error: BaseException | None, is_cancelled: bool) -> None:
        """Make a future done; its callbacks run here."""
        me = threading.get_ident()
        is_outermost = me not in self._settlers
        self._settlers.add(me)
        future._call = None
        try:
            if is_cancelled:
                _Future.cancel(future)
                future.set_running_or_notify_cancel()  # `wait` and `as_completed` hear of it only then
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)
        except _futures.InvalidStateError:
            pass  # whoever has the future has set it
        finally:
            if is_outermost:
                self._settlers.discard(me)

    # --- failures ---

    def is_cancelled(self, kind: str) -> bool:
        """Whether a call of which the engine reported this was cancelled; else `exception_of` knows what it raises."""
        return kind == "recalled" and not self.broken and not self.why_given_up

    def exception_of(self, kind: str, detail: Any, task: str) -> BaseException:
        """Return the exception for a failure that the engine reported."""
        if kind == "raised":
            return executor_worker.read_failure(detail)
        if kind == "refused":
            return executor_worker.with_traceback_as_cause(detail)
        if kind == "unreadable":
            error = TaskUnreadable(f"the result of {task} can't be unpickled: {type(detail).__name__}: {detail}")
            error.__cause__ = detail
            return error
        if kind == "died" and self.breaks:
            self._break_by_death(detail)  # it may have exited with status 0
        if self.broken and not (kind == "died" and detail == self._broken_lane):
            when = f"while {task} was running or pending"
            return BrokenProcessPool(f"A process in the process pool was terminated abruptly {when}: {self.broken}")
        return super().exception_of(kind, detail, task)

    def survives(self, lane: int, was_killed: bool) -> bool:
        """Whether the crew goes on after the end of a worker."""
        if self.breaks and not was_killed and self._exits[lane].exitcode != 0:
            self._break_by_death(lane)
        return not self.broken

    def _break_by_death(self, lane: int) -> None:
        if not self.broken:
            self._broken_lane = lane
            end = self._exits.get(lane, UNKNOWN_END)
            how = f" (process {end.pid} ended {describe_exit(end.exitcode)})"
            if end.lacked_guard:
                how = f": {MissingGuardError()}"
            self._break(f"A child process terminated abruptly{how}")

    def _break(self, why: str, end_process: str = "terminate") -> None:
        self.broken = f"{why}, the process pool is not usable anymore"
        self.is_closed = True
        for process in list(self.pool):
            getattr(process, end_process)()

    def end_workers(self, end_process: str) -> None:
        """End the workers by that method of processes; what is not finished fails."""
        self._break("The workers were ended", end_process)
        self._settle_all([])
        self.engine.interrupt()
        self.tell()

    def _settle_all(self, batches: list[Job]) -> None:
        super()._settle_all(batches)
        while self.broken and self._active:
            super()._settle_all(self.engine.recall(None))
            for job in list(self._active):
                job.abandon()

    # --- the end ---

    def close(self) -> None:
        """Let workers leave when all work is done."""
        super().close()
        self.engine.interrupt()
        self.tell()

    def look_if_idle(self) -> None:
        """Find out about workers that ended while nobody had anything to do."""
        if not self._active and not self.broken and not self.is_foreign():
            self._look(0)

    def join(self) -> None:
        """Wait until all work is done and all workers have left.

        Raises
        ------
        RuntimeError
            In a future's callback, whose future is not done before the callback returns.
        """
        if threading.get_ident() in self._settlers:
            raise RuntimeError("cannot wait for an executor's end in a callback of one of its futures")
        if self.broken:
            self.wait_for(lambda: not self._lanes, _GRACE)
            for process in list(self.pool):
                process.kill()
        super().join()


class _Call(Job, PoolBatch):
    """A call of an executor, as its crew sees it."""

    def __init__(self, crew: ExecutorCrew, options: Options, future: ProcessFuture) -> None:
        super().__init__([None])
        self.crew = self.executor_crew = crew
        self.options = options
        self._lock = threading.RLock()
        self._future: ProcessFuture | None = future

    def is_over(self) -> bool:
        """Whether its future is being made done, or is."""
        return self._future is None

    def settle(self) -> None:
        """Take over what has come."""
        if self.left == 0:
            self._deliver(self.take_failures())

    def abandon(self) -> None:
        """Fail, whether the call runs or not."""
        self._deliver([(0, "abandoned", None)])

    def _deliver(self, failures: list[tuple[int, str, Any]]) -> None:
        with self._lock:
            future, self._future = self._future, None
        if future is None:
            return
        value, error, is_cancelled = None, None, False
        if not failures:
            value = self.results.pop()
            self.executor_crew.demand -= 1
        else:
            _, kind, detail = failures[0]
            self.executor_crew.demand -= kind in ("raised", "unreadable")
            is_cancelled = self.executor_crew.is_cancelled(kind)
            error = None if is_cancelled else self.crew.exception_of(kind, detail, self.options.name)
        try:
            self.executor_crew.deliver(future, value, error, is_cancelled)
        finally:
            del value, error, future
            self.crew.job_is_over(self)

    def begin(self, function: Callable[..., Any], arguments: Call) -> None:
        """Give the call to the workers, or note that it can't be pickled."""
        try:
            encoded = self.crew.encode_function(function, APPLY)
        except Exception as error:
            self.refuse(error)
        else:
            self.submit(encoded, arguments)

    def note_start(self) -> None:
        """Mark the future as running if a worker has begun the call."""
        with self._lock:
            future = self._future
            if future is not None and future._state == "PENDING" and not self.crew.engine.is_waiting(self):
                future.set_running_or_notify_cancel()


class ProcessFuture(_Future):
    """The result of a call of a `ProcessPoolExecutor`. Whoever waits for it reads what the workers have sent."""

    __slots__ = ("_call",)
    _call: _Call | None  # None: done

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the call; return its value or raise its exception.

        Raises
        ------
        TimeoutError
            Where it is not done within `timeout` seconds.
        """
        call = self._call
        if call is None:
            return super().result(timeout)
        self._wait(call, timeout)
        try:
            return super().result(0)
        finally:
            del self  # no cycle through the traceback

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the call; return its exception or None.

        Raises
        ------
        TimeoutError
            Where it is not done within `timeout` seconds.
        """
        call = self._call
        if call is None:
            return super().exception(timeout)
        self._wait(call, timeout)
        return super().exception(0)

    def _wait(self, call: _Call, timeout: float | None) -> None:
        call.crew.wait_for(self.done, timeout)

    def running(self) -> bool:
        """Whether a worker has begun the call and has not ended it."""
        call = self._call
        if call is not None and not call.executor_crew.is_foreign():
            call.note_start()
        return super().running()

    def cancel(self) -> bool:
        """Keep the call from running; False where it runs or has run."""
        call = self._call
        if call is None or call.executor_crew.is_foreign():
            return super().cancel()
        call.executor_crew.cancel(call)
        call.note_start()
        return self.cancelled()
