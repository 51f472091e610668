"""Channels: bounded hand-over between threads that has an end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from hasten import _core
from hasten._mirror import original

if TYPE_CHECKING:
    import queue as _queue

    from numpy.typing import DTypeLike
else:
    _queue = original("queue")

T = TypeVar("T")


class ChannelClosed(Exception):
    """A channel was closed: nothing can be put into it any more, or nothing more will come out of it."""


class ChannelBroken(Exception):
    """A process that had put something into a channel died; whatever it had put was taken before."""


class Channel(_core.Channel[T]):
    """Hands items from threads to threads, in order, until it is closed.

    Any number of threads may put and get. ``for item in channel`` and ``async for item in channel`` end when the
    channel is closed and empty. After a fork, parent and child have a channel each, unless it is shared.

    Parameters
    ----------
    maxsize
        How many items it holds at most, before `put` waits; 0: any number.
    max_bytes
        How many bytes it holds at most; 0: any number. Buffers (bytes, arrays) count as what they hold, other objects
        as ``sys.getsizeof`` says. An item that is larger than the bound travels alone.
    dtype
        Makes a channel of numbers, which compiled functions take as an argument: any dtype of bools, integers, floats
        or complex numbers. Numbers are rounded to it, and come out as Python's.
    ndim
        With a dtype: a channel of arrays of so many dimensions. They are copied when they are put.
    shared
        Whether it lies in shared memory: then it is the same channel in every process that inherits it or gets it as
        an argument. Items are copied; bytes count as they lie in its memory. `put` and `get` raise `ChannelBroken`
        when a process that has put something dies. Such a channel has no dtype.
    """

    def __new__(
        cls,
        maxsize: int = 0,
        *,
        max_bytes: int = 0,
        dtype: DTypeLike | None = None,
        ndim: int = 0,
        shared: bool = False,
    ) -> Channel[T]:
        if dtype is None and ndim != 0:
            raise TypeError(f"ndim={ndim!r} without a dtype: a channel of arrays needs to know what is in them")
        if dtype is not None and shared:
            raise TypeError("a channel has either a dtype, for compiled code, or shared=True, for other processes")
        if dtype is not None and not issubclass(cls, ValueChannel):
            made: Channel[Any] = ValueChannel(maxsize, max_bytes=max_bytes, dtype=dtype, ndim=ndim)
            return made
        if shared and cls is Channel:
            from hasten._pool.channel import SharedChannel

            return _core.Channel.__new__(SharedChannel)
        return super().__new__(cls)

    def __init__(
        self,
        maxsize: int = 0,
        *,
        max_bytes: int = 0,
        dtype: DTypeLike | None = None,
        ndim: int = 0,
        shared: bool = False,
    ) -> None:
        if shared:
            raise TypeError("a subclass of Channel can't be shared; derive it from type(Channel(shared=True))")
        super().__init__(maxsize, max_bytes=max_bytes)

    def __reduce__(self) -> Any:
        raise TypeError("a channel between threads can't go to another process; make it with Channel(..., shared=True)")

    def __aiter__(self) -> Channel[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.get_async()
        except ChannelClosed:
            raise StopAsyncIteration from None

    async def get_async(self) -> T:
        """As `get`, for coroutines."""
        while True:
            try:
                item: T = self.get_nowait()
                return item
            except _queue.Empty:
                await self._wait(False)

    async def put_async(self, item: T) -> None:
        """As `put`, for coroutines."""
        while True:
            try:
                self.put_nowait(item)
                return
            except _queue.Full:
                await self._wait(True)

    async def _wait(self, for_room: bool) -> None:
        """Wait until the channel may have an item, or room."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        def wake_from_thread() -> None:
            try:
                loop.call_soon_threadsafe(wake)
            except RuntimeError:  # the loop is closed; somebody else may want it
                self._pass_on()

        watch = self._watch(wake_from_thread, for_room)
        try:
            await ready
        except asyncio.CancelledError:
            del watch
            self._pass_on()
            raise


class ValueChannel(_core.ValueChannel, Channel[Any]):
    """What ``Channel(dtype=...)`` makes: numbers or arrays, handed over without Python where compiled code does it."""

    __new__ = _core.ValueChannel.__new__  # type: ignore[assignment]

    async def _wait(self, for_room: bool) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        bell = self._watch(for_room)

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(bell.fileno(), wake)
        try:
            await ready
        except asyncio.CancelledError:
            self._pass_on()
            raise
        finally:
            loop.remove_reader(bell.fileno())


def select(channels: Iterable[Channel[T]], timeout: float | None = None) -> tuple[Channel[T], T]:
    """Take an item of whichever channel has one first.

    Parameters
    ----------
    channels
        At most 64. None is preferred where several have items.
    timeout
        Seconds to wait; None: as long as it takes.

    Returns
    -------
    tuple
        The channel and the item.

    Raises
    ------
    queue.Empty
        Where none has an item in time.
    ChannelClosed
        Where all are closed and empty.
    ChannelBroken
        Where one of them is broken and empty.
    """
    return _core.channel_select(channels, timeout)


_core.register_thread_classes(
    {"empty": _queue.Empty, "full": _queue.Full, "closed": ChannelClosed, "broken": ChannelBroken}
)
