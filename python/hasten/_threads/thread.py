"""Threads that return a value, and that can be asked to stop."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, cast

from hasten import _core
from hasten._mirror import original

if TYPE_CHECKING:
    import threading
else:
    threading = original("threading")


class Thread(threading.Thread):
    """A `threading.Thread` with a result, and with a wish to stop that it can look at.

    `result` returns what the target returned, or raises what it raised; the exception also goes to
    `threading.excepthook`, as from any thread. A thread can't be killed; `stop` sets `stopping`, and a loop that looks
    at ``hasten.current_thread().stopping`` ends by itself.
    """

    _value: Any = None
    _exception: BaseException | None = None
    stopping: bool = False
    """Whether somebody asked the thread to stop."""

    def start(self) -> None:
        """Start the thread; once only."""
        if getattr(self, "_initialized", False) and self.ident is None:
            # However the class came by its `run`; the target by itself, because a `run` may return nothing of it.
            self._target: Any = self._target and _core.Recorder(self._target, self)
            vars(self)["run"] = _core.Recorder(self.run, self)
        super().start()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the end of the thread; return its value or raise its exception.

        Parameters
        ----------
        timeout
            Seconds to wait; None: as long as it takes.

        Raises
        ------
        TimeoutError
            Where the thread has not ended in time. It goes on.
        """
        self.join(timeout)
        if self.is_alive():
            raise TimeoutError(
                f"{self.name} has not ended within {timeout} s; it goes on, for a thread can't be killed"
            )
        if self._exception is not None:
            raise self._exception
        return self._value

    def stop(self) -> None:
        """Ask the thread to end: `stopping` is true from now on."""
        self.stopping = True

    def _delete(self) -> None:
        # The last thing that the thread does. The lines of a traceback are kept, but nothing that its frames held:
        # that may be the thread itself, or what owns it.
        super()._delete()  # type: ignore[misc]
        vars(self).pop("run", None)
        if self._exception is not None:
            traceback.clear_frames(self._exception.__traceback__)


class Timer(Thread, threading.Timer):
    """A thread that calls a function after a while, unless it is cancelled before; `result` has what it returned."""

    def stop(self) -> None:
        """As `cancel`; a function that runs already sees that it should stop."""
        super().stop()
        self.cancel()

    def run(self) -> Any:
        """Wait, then call the function."""
        self.finished.wait(self.interval)
        value = None
        if not self.finished.is_set():
            value = self.function(*self.args, **self.kwargs)
        self.finished.set()
        return value


def current_thread() -> Thread:
    """Return the thread that calls, as `threading.current_thread` does; whatever thread it is, it has `stopping`."""
    thread: Any = threading.current_thread()
    if not hasattr(thread, "stopping"):
        thread.stopping = False
    return cast("Thread", thread)
