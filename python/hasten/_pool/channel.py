"""Channels between processes."""

from __future__ import annotations

import asyncio
import os
import weakref
from multiprocessing import context, util
from typing import Any, TypeVar

import hasten._pool.items  # noqa: F401  # how items are pickled
from hasten import _core
from hasten._pool.worker import Descriptors
from hasten._threads.channel import Channel, ChannelBroken

T = TypeVar("T")

# The channels of this process, by name: one that arrives twice is the same object.
_here: weakref.WeakValueDictionary[bytes, SharedChannel[Any]] = weakref.WeakValueDictionary()

# Those that were pickled for a process that hasn't loaded them yet, with the number of arrivals to wait for.
_departed: dict[bytes, tuple[SharedChannel[Any], int]] = {}

_leaves_at_end_of = 0  # the process that has been told to leave its channels when it ends

_SLICE = 0.1  # seconds after which an event loop's helper thread looks whether it is still wanted


class SharedChannel(_core.SharedChannel[T], Channel[T]):
    """What ``Channel(..., shared=True)`` returns."""

    def __init__(self, maxsize: int = 0, *, max_bytes: int = 0, shared: bool = True) -> None:
        _core.SharedChannel.__init__(self, maxsize, max_bytes=max_bytes)
        _here[self._name()] = self

    def __reduce__(self) -> tuple[Any, ...]:
        if context.get_spawning_popen() is not None:
            return _inherit, (self._name(), Descriptors(self._fileno()))
        _keep_until_arrival(self)
        return _arrive, (self._name(), os.getpid(), self._fileno())

    def _enter(self) -> None:
        """Be told that this process puts or gets for the first time."""
        global _leaves_at_end_of
        if _leaves_at_end_of != os.getpid():
            _leaves_at_end_of = os.getpid()
            util.Finalize(None, _leave_all, exitpriority=-100)

    async def _wait(self, for_room: bool) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._wait_for, for_room, _SLICE)


def _leave_all() -> None:
    for channel in list(_here.values()):
        channel._leave()


def _keep_until_arrival(channel: SharedChannel[Any]) -> None:
    """Keep the memory of a channel that travels until the other process has it."""
    for name, (kept, awaited) in list(_departed.items()):
        if kept._arrivals() >= awaited:
            del _departed[name]
    name = channel._name()
    awaited = _departed[name][1] if name in _departed else channel._arrivals()
    _departed[name] = (channel, awaited + 1)


def _adopt(name: bytes, descriptor: int) -> SharedChannel[Any]:
    channel: Any = SharedChannel.__new__(SharedChannel)
    channel._adopt(descriptor)
    if channel._name() != name:
        raise ChannelBroken("the process that sent the channel doesn't hold it any more")
    return _here.setdefault(name, channel)


def _inherit(name: bytes, descriptors: Descriptors) -> SharedChannel[Any]:
    (descriptor,) = descriptors.take()
    return _adopt(name, descriptor)


def _arrive(name: bytes, pid: int, descriptor: int) -> SharedChannel[Any]:
    channel = _here.get(name)
    if channel is None:
        try:
            opened = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise ChannelBroken(f"process {pid}, which sent the channel, doesn't hold it any more: {error}") from None
        channel = _adopt(name, opened)
    channel._note_arrival()
    return channel
