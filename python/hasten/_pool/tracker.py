"""The resource tracker of multiprocessing, started when there is something to track.

The tracker is a process of its own that all of a program's processes write to, and that removes what they leave behind.
Where the program has none yet when the template starts, its processes get the one end of a pipe and the template the
other; when something lies in it, the template makes the tracker.
"""

from __future__ import annotations

import os
import select
from multiprocessing import resource_tracker

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import Any


def reserve() -> int:
    """Return the template's end of the pipe; -1 where there is a tracker, or somebody waits to make it."""
    tracker: Any = resource_tracker._resource_tracker
    with tracker._lock:
        if tracker._pid is not None or (tracker._fd is not None and not _is_deserted(tracker._fd)):
            return -1
        if tracker._fd is not None:
            os.close(tracker._fd)
        reader, tracker._fd = os.pipe()
    return reader


def _is_deserted(pipe: int) -> bool:
    """Whether nobody will read what is written to a pipe."""
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))


def descriptor() -> int:
    """Return what processes are to inherit, as they would by any start method."""
    tracker: Any = resource_tracker._resource_tracker
    known: int | None = tracker._fd
    if known is not None:
        return known
    resource_tracker.ensure_running()
    return descriptor()


def run(reader: int) -> None:
    """Be the tracker until all who write to the pipe have ended."""
    resource_tracker.main(reader)
