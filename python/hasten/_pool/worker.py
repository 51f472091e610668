"""What runs in a worker process."""

from __future__ import annotations

# What signal imports takes a new worker milliseconds.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys

from hasten._pool.namespaces import remember_main
from hasten._pool.received import drop_unshared, serve_shared
from hasten._pool.tasks import APPLY, STARMAP, decode_function, decode_task, dumps_plainly
from hasten._worker import PoolWorker

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any


class Descriptors:
    """Descriptors on their way to a worker: inherited by a fork, else duplicated by the start method.

    Parameters
    ----------
    numbers
        Those that `take` returns.
    stderr
        What the worker is to have as its stderr; -1: what it has.
    beside
        The same of all workers that are started with this one, whose copies a fork closes.
    """

    def __init__(self, *numbers: int, stderr: int = -1, beside: Sequence[int] = ()) -> None:
        self.numbers = numbers
        self._stderr = stderr
        self._beside = beside

    def __reduce__(self) -> tuple[object, ...]:
        from multiprocessing import context, reduction

        context.assert_spawning(self)
        stderr = None if self._stderr < 0 else reduction.DupFd(self._stderr)
        return _arrive, (stderr, *(reduction.DupFd(number) for number in self.numbers))

    def take(self) -> tuple[int, ...]:
        """Return descriptors that are the caller's."""
        return tuple(os.dup(number) for number in self.numbers)

    def release_stderr(self) -> int:
        """Return what the worker is to have as its stderr: somebody else brings it there."""
        stderr, self._stderr = self._stderr, -1
        return stderr

    def take_stderr(self) -> None:
        """Let what this process and its children write to stderr go through the parent, which keeps the end of it."""
        if self._stderr >= 0:
            os.dup2(self._stderr, 2)
            for descriptor in {self._stderr, *self._beside} - {-1}:
                os.close(descriptor)
            self._stderr = -1


def _arrive(stderr: Any, *duplicates: Any) -> Descriptors:
    numbers = (duplicate.detach() for duplicate in duplicates)
    arrived = _Arrived(*numbers, stderr=-1 if stderr is None else stderr.detach())
    arrived.take_stderr()  # now: what is unpickled next may fail
    return arrived


class _Arrived(Descriptors):
    def take(self) -> tuple[int, ...]:
        return self.numbers


def work(
    descriptors: Descriptors,
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
    most_tasks: int,
) -> None:
    """Run tasks until the parent says that there are no more, or there is no parent any more."""
    engine = connect(descriptors, most_tasks, describe_failure)
    if initializer is not None:
        initializer(*initargs)
    serve(engine, describe_failure)


def describe_failure(*failure: Any) -> bytes:
    """Return a task's failure as bytes."""
    from hasten._pool import pickling  # late: workers whose tasks don't fail do without

    return pickling.describe_failure(*failure)


def connect(descriptors: Descriptors, most_tasks: int, describe: Callable[..., bytes]) -> PoolWorker:
    """Return the worker's end of its lane; `describe` turns failures into bytes."""
    descriptors.take_stderr()
    lane, bell, parent, *shared = descriptors.take()
    engine = PoolWorker(lane, bell, parent, most_tasks, dumps_plainly, describe)
    if shared:
        arguments, results = shared
        engine.share(arguments, results, drop_unshared)
        serve_shared(engine)
        os.register_at_fork(before=engine.before_fork)
    os.register_at_fork(after_in_child=lambda: engine.after_fork(_end_copy))
    _interrupt_tasks_only(engine)
    remember_main()
    return engine


def serve(engine: PoolWorker, describe_unreadable: Callable[[Exception], bytes]) -> None:
    """Run tasks as they come; `describe_unreadable` turns the failure of a task that can't be unpickled into bytes."""
    engine.serve(lambda head: decode_function(engine, head), lambda payload: _run(engine, describe_unreadable, payload))
    if "multiprocessing.util" in sys.modules:
        sys.modules["multiprocessing.util"].debug("worker leaves")


def _run(engine: PoolWorker, describe_unreadable: Callable[[Exception], bytes], payload: bytes) -> None:
    drop_unshared()
    try:
        mode, function, items = decode_task(payload, engine)
    except Exception as error:
        engine.fail(describe_unreadable(error))
        return
    if mode == APPLY:
        engine.apply(function, *items)
    else:
        engine.run(function, items, mode == STARMAP)


def _end_copy(error: BaseException | None) -> None:
    """End the fork that a task has made of its worker, where the task's end is reached there, too."""
    from multiprocessing import util  # late, for the few that need it

    status = 0 if error is None else 1
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    util._flush_std_streams()  # type: ignore[attr-defined]
    os._exit(status)


def _interrupt_tasks_only(engine: PoolWorker) -> None:
    """Let Ctrl-C, which reaches every process of the terminal, end the task that runs, but no idle worker."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if engine.interrupt():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
