"""The results of pools, as subclasses of the standard library's, so that ``isinstance`` answers as programs expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._awaiting import Awaitable
from hasten._mirror import original

if TYPE_CHECKING:
    import concurrent.futures as _futures
    from multiprocessing import TimeoutError as _StandardTimeoutError
    from multiprocessing import pool as _pool

    _StandardIterator = object  # its methods are the engine's
else:
    _futures = original("concurrent.futures")
    _pool = original("multiprocessing.pool")
    _StandardTimeoutError = _pool.TimeoutError
    _StandardIterator = _pool.IMapIterator


class PoolTimeoutError(_StandardTimeoutError, TimeoutError):
    """A result of a pool is not there in time: both `multiprocessing.TimeoutError` and `TimeoutError`."""


class AsyncResult(_core.Result, Awaitable, _pool.ApplyResult[Any]):
    """The result of one task of a pool. Inside a coroutine, ``await result`` waits for it."""

    __slots__ = ()


class MapResult(AsyncResult, _pool.MapResult[Any]):
    """The results of all tasks of a map."""

    __slots__ = ()


class ResultIterator(_core.ResultIterator, _StandardIterator):
    """The results of tasks, one by one."""

    __slots__ = ()


_core.register_thread_classes(
    {
        "apply_result": AsyncResult,
        "map_result": MapResult,
        "imap_iterator": ResultIterator,
        "cancelled_error": _futures.CancelledError,
        "pool_timeout_error": PoolTimeoutError,
    }
)
