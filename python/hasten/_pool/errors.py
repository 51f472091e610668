"""What a pool raises beside what tasks raise."""

import signal
from multiprocessing.context import TimeoutError as StandardTimeoutError
from typing import TYPE_CHECKING

from hasten._mirror import original

if TYPE_CHECKING:
    from concurrent.futures.process import BrokenProcessPool
else:
    BrokenProcessPool = original("concurrent.futures.process").BrokenProcessPool


class WorkerDied(BrokenProcessPool):
    """The worker that ran a task ended before the task did.

    Attributes
    ----------
    task : str
        The name of the task's function, and which item of the call it was.
    exit_status : int or None
        What the process exited with; None where a signal ended it.
    signal : signal.Signals or int or None
        The signal that ended it; None where it exited.
    """

    def __init__(self, message: str, task: str = "", exitcode: int | None = None) -> None:
        super().__init__(message)
        self.task = task
        self.exit_status = exitcode if exitcode is not None and exitcode >= 0 else None
        self.signal = _signal_of(exitcode)


class TaskUnreadable(BrokenProcessPool):
    """A task of an executor, or what came of it, could not be unpickled on the other side. The executor goes on.

    The standard library's executor breaks then, so this is a `BrokenProcessPool`.
    """


class TaskTimeout(StandardTimeoutError, TimeoutError):
    """A task took longer than its ``timeout=`` allows; its worker was killed."""


class TaskMemoryError(MemoryError):
    """The worker of a task grew beyond the pool's ``max_memory=`` and was killed."""


def _signal_of(exitcode: int | None) -> "signal.Signals | int | None":
    if exitcode is None or exitcode >= 0:
        return None
    try:
        return signal.Signals(-exitcode)
    except ValueError:
        return -exitcode


def describe_exit(exitcode: int | None) -> str:
    """Return how a process ended, for people."""
    if exitcode is None:
        return "in a way that is not known"
    number = _signal_of(exitcode)
    if number is None:
        return f"with exit status {exitcode}"
    return f"by signal {number.name if isinstance(number, signal.Signals) else number}"
