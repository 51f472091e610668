"""What a pool raises beside what tasks raise."""

import signal
from multiprocessing.context import TimeoutError as StandardTimeoutError
from typing import TYPE_CHECKING

from hasten._mirror import original

if TYPE_CHECKING:
    from concurrent.futures.process import BrokenProcessPool
else:
    BrokenProcessPool = original("concurrent.futures.process").BrokenProcessPool

# A traceback of a few frames, or what glibc and faulthandler say.
_SHOWN_LINES = 12
_FATAL = "Fatal Python error:"


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
    stderr : str
        The last that the worker wrote to stderr, at most some 16 kB; the message has its last lines.
    """

    def __init__(self, message: str, task: str = "", exitcode: int | None = None, stderr: str = "") -> None:
        super().__init__(message + _last_lines(stderr))
        self.task = task
        self.stderr = stderr
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


def _last_lines(stderr: str) -> str:
    # The first lines of what faulthandler says tell most.
    _, fatal, rest = stderr.rpartition(_FATAL)
    lines = (fatal + rest).splitlines()[:_SHOWN_LINES] if fatal else stderr.rstrip().splitlines()[-_SHOWN_LINES:]
    return "".join(["; the last that it wrote to stderr:", *(f"\n    {line}" for line in lines)]) if lines else ""


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
