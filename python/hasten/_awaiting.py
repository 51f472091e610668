"""Results of pools that coroutines can wait for."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Awaitable:
    """What has `get`, and `_when_ready`, which calls a function as soon as `get` would not wait."""

    __slots__ = ()

    if TYPE_CHECKING:

        def get(self, timeout: float | None = None) -> Any: ...

        def _when_ready(self, watcher: Callable[[], object]) -> None: ...

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._when_ready(lambda: _wake(loop, waiter))
        yield from waiter
        return self.get()


def _wake(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_set, waiter)


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():  # nor cancelled
        waiter.set_result(None)
