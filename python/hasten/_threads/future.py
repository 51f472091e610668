"""The futures of executors."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._mirror import original

if TYPE_CHECKING:
    import concurrent.futures as _futures
else:
    _futures = original("concurrent.futures")


class Future(_core.Future, _futures.Future[Any]):
    """The result of a task of an executor. Inside a coroutine, ``await future`` waits for it."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        return asyncio.wrap_future(self).__await__()


_core.register_thread_classes(
    {"future": Future, "standard_future": _futures.Future, "cancelled_error": _futures.CancelledError}
)
