"""Caches of ``async def`` functions: what is remembered is the awaited value."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from hasten._memo.flights import Flight, begin_waiting, current_flight, end_waiting


class TaskFlight(Flight):
    """A flight in a task of its own, so that it goes on where a caller that waits is cancelled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.passengers = 0
        self.task: asyncio.Task[Any] | None = None


class TaskFlights:
    """The flights of one cache, by event loop and key."""

    def __init__(self) -> None:
        self._flights: dict[Any, TaskFlight] = {}

    async def run(self, key: Any, compute: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return what `compute` returns, from the flight that is under way or a new one."""
        loop = asyncio.get_running_loop()
        place = (id(loop), key)
        flight = self._flights.get(place)
        if flight is None or flight.loop is not loop or flight.process != os.getpid():
            flight = TaskFlight(loop)
            self._flights[place] = flight
            flight.task = loop.create_task(self._lead(place, flight, compute))
        waiting = begin_waiting(flight)
        if waiting is None:
            return await compute()
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)  # type: ignore[arg-type]
        finally:
            flight.passengers -= 1
            end_waiting(flight, waiting)
            if flight.passengers == 0 and flight.task is not None and not flight.task.done():
                self._drop(place, flight)
                flight.task.cancel()

    async def _lead(self, place: Any, flight: TaskFlight, compute: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        current_flight.set(flight)  # in the task's own context
        try:
            return await compute()
        finally:
            self._drop(place, flight)

    def _drop(self, place: Any, flight: TaskFlight) -> None:
        if self._flights.get(place) is flight:
            del self._flights[place]
