"""`queue`'s classes over the engine's queue."""

from __future__ import annotations

import heapq
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from hasten import _core
from hasten._mirror import original

if TYPE_CHECKING:
    import queue as _queue
else:
    _queue = original("queue")


_core.register_thread_classes({"standard_queue": _queue.Queue, "empty": _queue.Empty, "full": _queue.Full})

T = TypeVar("T")

# Methods by which a subclass changes what a queue is.
_INSIDES = ("_init", "_qsize", "_put", "_get")


class Queue(_core.Queue[T], _queue.Queue[T]):
    """A `queue.Queue` whose `put` and `get` are one step each.

    It is open to whoever asks for its insides (``queue.mutex``, ``queue.queue`` …) or overrides them in a subclass:
    then it works exactly as `queue.Queue`, at the speed of that.
    """

    _starts_open = False
    _is_newest_first = False
    if sys.version_info >= (3, 13):
        is_shutdown = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if any(name in vars(cls) for name in _INSIDES):
            cls._starts_open = True


class LifoQueue(Queue[T]):
    """A `Queue` that gives the newest item first."""

    _is_newest_first = True


class PriorityQueue(Queue[T]):
    """A `Queue` that gives the smallest item first."""

    def _init(self, maxsize: int) -> None:
        self.queue: list[Any] = []

    def _qsize(self) -> int:
        return len(self.queue)

    def _put(self, item: Any) -> None:
        heapq.heappush(self.queue, item)

    def _get(self) -> Any:
        return heapq.heappop(self.queue)


SimpleQueue = _core.SimpleQueue
