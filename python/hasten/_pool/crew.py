"""The workers of a pool, and the threads that wait for them.

Whoever waits for a result reads what all workers have sent: that thread is the leader. Others that wait meanwhile
follow, and are told when there is news. When nobody waits and there is work, the attendant leads, a thread that is
started by the first call that returns before it is done.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
import time
import weakref
from collections.abc import Callable
from multiprocessing import process as processes
from multiprocessing import util
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._core import PoolEngine, PoolExchange, PoolTurn
from hasten._mirror import original
from hasten._pool.errors import TaskMemoryError, TaskTimeout, WorkerDied, describe_exit
from hasten._pool.main_module import NO_GUARD_STATUS, MissingGuardError
from hasten._pool.pickling import Payload, Travelling, encode_function, is_named, read_failure
from hasten._pool.starting import NewWorker, SpawnedName, allowed_to_start, uninterrupted
from hasten._pool.worker import Descriptors, work

if TYPE_CHECKING:
    from concurrent.futures import CancelledError

    from hasten._pool.results import Job
else:
    CancelledError = original("concurrent.futures").CancelledError

# Seconds that one look at the engine lasts at most: until then lost news is found, or a signal that came just before.
_PATIENCE = 0.2
# Seconds that workers get to follow SIGTERM before they get SIGKILL.
_GRACE = 1.0
# How many processes are started in a group; each needs a dozen descriptors until it is there.
_MOST_AT_ONCE = 32
# Seconds after which who has neither looked for results nor given work is thought to be busy with other things.
_ABSENCE = 0.002

_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Keep a fork's child from ending its parent's workers when it ends, as multiprocessing's children are ended."""
    PoolEngine.after_fork()
    for crew in _crews:
        processes._children.difference_update(crew._lanes.values())  # type: ignore[attr-defined]


os.register_at_fork(before=PoolExchange.before_fork, after_in_child=_leave_to_parent)


class WorkerEnd(NamedTuple):
    """How a worker ended."""

    pid: int | None
    exitcode: int | None
    stderr: str  # the last that it wrote there
    was_attached: bool  # it got beyond the import of the main module

    @property
    def lacked_guard(self) -> bool:
        """Whether the main module started processes while the worker imported it."""
        return self.exitcode == NO_GUARD_STATUS and not self.was_attached


UNKNOWN_END = WorkerEnd(None, None, "", was_attached=True)


class Crew:
    """The workers and their work.

    Parameters
    ----------
    make_process
        Returns a process that isn't started, from ``target=`` and ``args=``.
    processes
        How many workers there are to be.
    """

    # What runs in the workers, and whether they end with the parent's process without being asked.
    work = staticmethod(work)
    is_daemonic = True

    def __init__(
        self,
        make_process: Callable[..., Any],
        processes: int,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        most_tasks: int,
        most_memory: int,
        most_shared: int,
    ) -> None:
        self.exchange = PoolExchange.reserve(most_shared, not most_memory) if most_shared > 0 else None
        self.engine = PoolEngine(pickle.loads, self.exchange)
        self.pool: list[Any] = []  # the processes
        self.processes = processes
        self.is_closed = False  # no new tasks
        self.is_terminated = False
        self.why_given_up = ""  # workers can't be started
        self._last_stderr = ""  # of the last that was tried
        self._make_process = make_process
        self._work = (initializer and Travelling(initializer), initargs, most_tasks)
        self._most_memory = most_memory
        self._owner = os.getpid()
        self._parent = os.pidfd_open(self._owner)
        self._lanes: dict[int, Any] = {}  # processes whose end the engine has not told yet
        self._exits: dict[int, WorkerEnd] = {}  # by lane
        self._failed_starts = 0
        self._last_function: tuple[Any, int, Payload] = (None, -1, Payload())
        self._active: set[Job] = self.engine.active  # the engine takes out what it finishes itself
        self._staff = threading.RLock()  # guards starting and reaping
        self._leader = PoolTurn()
        self._news_lock = threading.RLock()  # may be wanted by a finaliser, wherever that interrupts
        self._news = threading.Condition(self._news_lock)
        self._waiting = 0
        self._following = 0
        self._attendant: threading.Thread | None = None
        self._is_parked = False
        _crews.add(self)

    def is_foreign(self) -> bool:
        """Whether this is the copy that a fork got; the workers belong to its parent."""
        return os.getpid() != self._owner

    def __del__(self) -> None:
        if getattr(self, "_parent", -1) >= 0:
            os.close(self._parent)

    # --- workers ---

    def start_workers(self) -> None:
        """Bring the number of workers up to what it is to be."""
        with self._staff:
            for process in [one for one in self.pool if one.exitcode is not None]:
                process.join()
                self.pool.remove(process)
            self._start_missing()

    def _start_missing(self) -> None:
        """Start workers, in groups: what a fork leaves to be copied is copied once for those that follow each other."""
        while missing := self.processes - len(self.pool):
            group: list[NewWorker] = []
            stderrs: list[int] = []
            started = 0
            try:
                for _ in range(min(missing, _MOST_AT_ONCE)):
                    group.append(self._lay_out_worker(stderrs))
                with allowed_to_start(), uninterrupted(group[0].process):
                    for worker in group:
                        worker.process.start()
                        started += 1
            finally:
                with contextlib.ExitStack() as ends:  # the last of them comes first
                    for stderr in stderrs:
                        if stderr >= 0:
                            ends.callback(os.close, stderr)
                    for worker in reversed(group[:started]):
                        ends.callback(self._take_in, worker)
                    for worker in group[started:]:
                        ends.callback(self._abandon, worker)

    def _lay_out_worker(self, stderrs: list[int]) -> NewWorker:
        """Return a worker to be started; what it is to write to is added to that of its group, and still open here."""
        initializer, initargs, most_tasks = self._work
        lane, lane_fd, bell_fd, *shared = self.engine.add_lane(most_tasks)
        try:
            stderr = self.engine.open_stderr(lane)
            stderrs.append(stderr)
            descriptors = Descriptors(lane_fd, bell_fd, self._parent, *shared, stderr=stderr, beside=stderrs)
            process = self._make_process(target=self.work, args=(descriptors, initializer, initargs, most_tasks))
            process.name = process.name.replace("Process", "PoolWorker")
            if stderr >= 0 and getattr(process, "_start_method", None) == "spawn":
                process.name = SpawnedName.of(process.name, descriptors.release_stderr())
            process.daemon = self.is_daemonic
            if hasattr(process, "ask_ahead"):
                process.ask_ahead()
        except BaseException:
            self.engine.drop_lane(lane)
            raise
        return NewWorker(lane, process)

    def _take_in(self, worker: NewWorker) -> None:
        try:
            self.engine.watch(worker.lane, worker.process.pid, self._most_memory)
        except BaseException:
            self._abandon(worker)
            raise
        self._lanes[worker.lane] = worker.process
        self.pool.append(worker.process)
        util.debug("added worker")

    def _abandon(self, worker: NewWorker) -> None:
        if hasattr(worker.process, "withdraw"):
            worker.process.withdraw()
        if worker.process.pid is not None:
            worker.process.kill()
        self.engine.drop_lane(worker.lane)

    def prepare(self) -> None:
        """Make sure that there are workers, and that they are this process's."""
        if self.is_foreign():
            message = f"this pool belongs to process {self._owner}, and this is its fork {os.getpid()}"
            raise ValueError(f"{message}; make a pool in the process that uses it")
        if len(self.pool) < self.processes:
            self.start_workers()

    def _reap(self, lane: int, was_attached: bool, starts_work: bool, was_killed: bool = False) -> None:
        with self._staff:
            process = self._lanes.pop(lane, None)
            if process is None:
                return
            process.join()
            stderr = self.engine.take_stderr(lane)
            self._exits[lane] = WorkerEnd(process.pid, process.exitcode, stderr, was_attached)
            if process in self.pool:
                self.pool.remove(process)
            if not self.survives(lane, was_killed):
                return
            if starts_work or process.exitcode == 0:
                self._failed_starts = 0
            else:
                self._failed_starts += 1
            if self.is_terminated or (self.is_closed and not self._active):
                return
            if self._exits[lane].lacked_guard:
                self._give_up(str(MissingGuardError()))
                return
            if self._failed_starts > max(3, 2 * self.processes):
                ended = describe_exit(process.exitcode)
                self._give_up(f"workers end before their first task, the last one {ended}", stderr)
                return
            try:
                self.start_workers()
            except Exception as error:
                if not self.engine.live_lanes():
                    self._give_up(f"no worker can be started: {error}")

    def survives(self, lane: int, was_killed: bool) -> bool:
        """Whether the crew goes on after the end of a worker; `was_killed`: for what its task took."""
        return True

    def _give_up(self, why: str, stderr: str = "") -> None:
        """Let all tasks fail; the next call tries again."""
        self._failed_starts = 0
        self.why_given_up = why
        self._last_stderr = stderr
        self._settle_all(self.engine.recall(None))

    def exception_of(self, kind: str, detail: Any, task: str) -> BaseException:
        """Return the exception for a failure that the engine reported."""
        if kind == "raised":
            return read_failure(detail)
        if kind in ("refused", "unreadable"):
            error: BaseException = detail
            return error
        if kind == "recalled":
            if self.is_terminated:
                return CancelledError(f"{task} was not run: the pool was terminated")
            if not self.why_given_up:
                return CancelledError(f"{task} was taken back")
            return WorkerDied(f"{task} was not run: {self.why_given_up}", task, stderr=self._last_stderr)
        pid, exitcode, stderr, _ = self._exits.get(detail, UNKNOWN_END)
        if self.is_terminated:
            return CancelledError(f"{task} was not finished: the pool was terminated")
        if kind == "timed out":
            return TaskTimeout(f"{task} took longer than its timeout allows; its worker (process {pid}) was killed")
        if kind == "memory":
            return TaskMemoryError(f"{task} took more than max_memory; its worker (process {pid}) was killed")
        message = f"{task} did not end: its worker (process {pid}) ended {describe_exit(exitcode)}"
        return WorkerDied(message, task, exitcode, stderr)

    # --- jobs ---

    def encode_function(self, function: Callable[..., Any], mode: int) -> Payload:
        """Return the first part of a task; of a function that goes by name it is remembered."""
        known, known_mode, head = self._last_function
        if known is function and known_mode == mode:
            return head
        head = encode_function(function, mode, self.exchange)
        if is_named(head):
            self._last_function = (function, mode, head)
        return head

    def adopt(self, job: Job) -> None:
        """Remember a job, until it is over."""
        self._active.add(job)

    def job_is_over(self, job: Job) -> None:
        """Take note that all results of a job came."""
        self._active.discard(job)
        if self.is_closed and not self._active:
            self.engine.stop_workers()

    def forget(self, job: Job) -> None:
        """Give up a job that could not be submitted whole; what of it runs ends for nobody."""
        self.recall(job)
        self.job_is_over(job)

    def recall(self, batch: Job) -> None:
        """Take back what of a job has not been started."""
        self._settle_all(self.engine.recall(batch))

    def _settle_all(self, batches: list[Job]) -> None:
        for job in batches:
            job.settle()

    # --- waiting ---

    def wait_for(self, is_over: Callable[[], bool], timeout: float | None) -> None:
        """Wait until `is_over()`, or `timeout` seconds have passed.

        Raises
        ------
        RuntimeError
            In a fork's child, where nothing comes any more.
        """
        if self.is_foreign():
            if is_over():
                return
            raise RuntimeError(
                "this result was left behind by a fork: the workers belong to the parent process; "
                "make the call in this process"
            )
        end = None if timeout is None else time.monotonic() + timeout
        self._waiting += 1
        try:
            while not is_over():
                left = _PATIENCE if end is None else min(end - time.monotonic(), _PATIENCE)
                if left <= 0:
                    self._look(0)
                    return
                self._lead_or_follow(left)
        finally:
            self._waiting -= 1
            if self._is_parked and not self._waiting:
                self.tell()

    def _lead_or_follow(self, seconds: float) -> None:
        if self._look(seconds):
            return
        self._following += 1
        try:
            self.engine.interrupt()  # the attendant gives way
            if not self._look(seconds):
                with self._news_lock:
                    self._news.wait(min(seconds, 0.05))
        finally:
            self._following -= 1

    def _look(self, seconds: float) -> bool:
        """Read what came, and wait for something; False where another thread does so."""
        with self._leader as is_mine:
            if not is_mine:
                return False
            batches, ended = self.engine.pump(int(seconds * 1e9))
            for end in ended:
                self._reap(*end)
            self._settle_all(batches)
            self._exits.clear()
            if self.engine.was_idle and seconds > 0:
                self._look_for_lost_news()
        if self._following:
            self.tell()
        return True

    def _look_for_lost_news(self) -> None:
        # A signal's exception may have come between the engine's answer and what was to be done with it.
        for job in list(self._active):
            if job.left == 0:
                job.settle()
        for lane in list(self._lanes):
            if not self.engine.has_lane(lane):
                self._reap(lane, was_attached=True, starts_work=True)

    def tell(self) -> None:
        """Wake the threads that follow, and the attendant."""
        with self._news_lock:
            self._news.notify_all()

    def attend(self) -> None:
        """Let the attendant serve work that nobody waits for."""
        if self._attendant is None:
            self._attendant = threading.Thread(target=self._attend, name="hasten-pool", daemon=True)
            self._attendant.start()
        elif self._is_parked:
            self._is_parked = False  # once is enough
            self.tell()

    def _attend(self) -> None:
        looks = -1
        while not self.is_terminated and not self._is_over():
            if self._has_duties() and not self._waiting:
                # Somebody who is at it would be disturbed by a second thread at each result.
                is_alone = looks == self.engine.looks
                if not is_alone:
                    time.sleep(_ABSENCE)
                if not self._look(_PATIENCE if is_alone else 0):
                    time.sleep(_ABSENCE)
                looks = self.engine.looks
                continue
            with self._news_lock:
                self._is_parked = True
                if not self._has_duties() or self._waiting:
                    self._news.wait()
                self._is_parked = False
            self._look(0)

    def _has_duties(self) -> bool:
        return bool(self._active or (self.is_closed and self._lanes))

    def _is_over(self) -> bool:
        return self.is_closed and not self._active and not self._lanes

    def _dismiss_attendant(self) -> None:
        """Let the attendant end; a daemon thread must not be inside the engine when the interpreter ends."""
        self.is_terminated = True
        end = time.monotonic() + _GRACE
        while self._attendant is not None and self._attendant.is_alive() and time.monotonic() < end:
            self.engine.interrupt()
            self.tell()
            if self._attendant is threading.current_thread():
                return
            self._attendant.join(0.01)

    # --- the end ---

    def close(self) -> None:
        """Let workers leave when all work is done."""
        self.is_closed = True
        if not self._active:
            self.engine.stop_workers()

    def join(self) -> None:
        """Wait until all work is done and all workers have left."""
        if self.is_foreign():
            return
        if not self.is_terminated:
            for job in list(self._active):
                job.open_window()
            self.wait_for(lambda: not self._active, None)
            self.engine.stop_workers()
        self.wait_for(lambda: not self._lanes, None)
        self._dismiss_attendant()

    def terminate(self) -> None:
        """End all workers at once; what is not finished is cancelled."""
        if self.is_foreign():
            return
        self.is_closed = self.is_terminated = True
        self.engine.interrupt()
        with self._staff:
            processes = list(self.pool)
        self._settle_all(self.engine.recall(None))
        for process in processes:
            if process.exitcode is None:
                process.terminate()
        self.wait_for(lambda: not self._lanes, _GRACE)
        for process in processes:
            if process.exitcode is None:
                process.kill()
        self.wait_for(lambda: not self._lanes, 10 * _GRACE)
        for job in list(self._active):
            job.abandon()
        self._dismiss_attendant()
