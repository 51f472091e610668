"""Where the commands of a call come from: a collection, or an iterator that may take its time."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hasten._mirror import original

if TYPE_CHECKING:
    import threading
else:
    threading = original("threading")


class Input:
    """What a run takes its commands from; used by one thread.

    Parameters
    ----------
    items
        What is taken.
    ahead
        How many may have been taken that haven't ended.
    """

    ready: int | None = None
    """A descriptor that can be read when there is more to take; None where that is always so."""

    def __init__(self, items: Iterator[Any], ahead: int) -> None:
        self._items = items
        self._ahead = ahead
        self.is_exhausted = False

    def take(self, running: int) -> list[Any]:
        """Return what is there, as far as the limit allows; `running`: how many were taken and haven't ended."""
        raise NotImplementedError

    def close(self) -> None:
        """Take no more; called once."""


class AtHand(Input):
    """The items of a collection."""

    def take(self, running: int) -> list[Any]:
        """Return as many as the limit allows."""
        taken: list[Any] = []
        while not self.is_exhausted and running + len(taken) < self._ahead:
            try:
                taken.append(next(self._items))
            except StopIteration:
                self.is_exhausted = True
        return taken


class Pulled(Input):
    """The items of an iterator, taken in a thread of its own, so that nobody waits for the next one but that."""

    def __init__(self, items: Iterator[Any], ahead: int) -> None:
        super().__init__(items, ahead)
        self.ready: int = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._owner = os.getpid()
        self._granted = 0  # what the thread may take and this side hasn't got
        self._grants = threading.Semaphore(0)
        self._lock = threading.Lock()  # guards the members below
        self._taken: deque[Any] = deque()
        self._has_ended = self._is_closed = False
        self._failure: BaseException | None = None
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._pull,), name="hasten-input", daemon=True).start()

    def take(self, running: int) -> list[Any]:
        """Return what has come; raise what the iterator has raised."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.ready)
        with self._lock:
            taken = list(self._taken)
            self._taken.clear()
            self.is_exhausted, failure = self._has_ended, self._failure
        self._granted -= len(taken)
        grants = self._ahead - running - len(taken) - self._granted
        if grants > 0:
            self._granted += grants
            self._grants.release(grants)
        if failure is not None:
            raise failure
        return taken

    def close(self) -> None:
        """Let the thread go, once the iterator lets it."""
        if os.getpid() != self._owner:  # a fork, which has no such thread, and perhaps the lock in its hands
            os.close(self.ready)
            return
        with self._lock:
            self._is_closed = True
            os.close(self.ready)
        self._grants.release()

    def _pull(self) -> None:
        while self._grants.acquire() and not self._is_closed:
            try:
                item = next(self._items)
            except StopIteration:
                self._tell(end=True)
                return
            except BaseException as error:  # it is raised where the results are read
                self._tell(end=True, failure=error)
                return
            self._tell(item)

    def _tell(self, *items: Any, end: bool = False, failure: BaseException | None = None) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._taken.extend(items)
            self._has_ended, self._failure = end, failure
            os.eventfd_write(self.ready, 1)


def input_of(commands: Iterable[Any], ahead: int, ahead_at_hand: int) -> Input:
    """Return the input that suits `commands`, with a limit to what is taken and hasn't ended."""
    if isinstance(commands, Collection):
        return AtHand(iter(commands), ahead_at_hand)
    return Pulled(iter(commands), ahead)
