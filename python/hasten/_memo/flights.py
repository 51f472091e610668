"""Single flight: of callers that want the same value at the same time one computes it, the others wait for that one.

Nobody waits for itself, nor in a circle with others: whoever would, computes a second time instead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

current_flight: ContextVar[Flight | None] = ContextVar("hasten_flight", default=None)


class Flight:
    """One computation that others may wait for."""

    def __init__(self) -> None:
        self.outer = current_flight.get()
        self.waits_for: list[Flight] = []
        self.process = os.getpid()

    def leads_back_to(self, asking: Flight | None) -> bool:
        """Whether `asking`, or what it is part of, has to end before this one can."""
        mine = set()
        while asking is not None:
            mine.add(asking)
            asking = asking.outer
        seen: set[Flight] = set()
        open_ends = [self]
        while open_ends:
            one = open_ends.pop()
            if one in mine:
                return True
            if one not in seen:
                seen.add(one)
                open_ends.extend(one.waits_for)
        return False


class ThreadFlight(Flight):
    """A flight whose followers are threads."""

    def __init__(self) -> None:
        super().__init__()
        self.landed = threading.Event()
        self.is_stuck = False  # landed, but could not be taken from the table
        self.value: Any = None
        self.error: BaseException | None = None


_graph = threading.Lock()  # nothing but the lists of flights is touched under it


def begin_waiting(flight: Flight) -> list[Flight] | None:
    """Note that the running flight, and those around it, wait for another; None where that would never end."""
    asking = current_flight.get()
    with _graph:
        if flight.leads_back_to(asking):
            return None
        waiting = []
        while asking is not None:
            asking.waits_for.append(flight)
            waiting.append(asking)
            asking = asking.outer
        return waiting


def end_waiting(flight: Flight, waiting: list[Flight]) -> None:
    """Take back what `begin_waiting` noted."""
    with _graph:
        for one in waiting:
            one.waits_for.remove(flight)


class Flights:
    """The flights of one cache, by key."""

    def __init__(self) -> None:
        self._flights: dict[Any, ThreadFlight] = {}

    def run(self, key: Any, compute: Callable[[], Any]) -> Any:
        """Return what `compute` returns, here or in the thread that was first."""
        while True:
            mine = ThreadFlight()
            # Comparisons of keys may call this very cache, and have to find out whom they would wait for.
            token = current_flight.set(mine)
            try:
                flight = self._flights.setdefault(key, mine)
                if flight.is_stuck or flight.process != mine.process:  # the latter's thread stayed behind at a fork
                    self._flights[key] = flight = mine
                if flight is mine:
                    return self._lead(key, mine, compute)
            finally:
                current_flight.reset(token)
            waiting = begin_waiting(flight)
            if waiting is None:
                return compute()
            try:
                flight.landed.wait()
            finally:
                end_waiting(flight, waiting)
            if flight.error is None:
                return flight.value
            if isinstance(flight.error, Exception):
                raise flight.error
            # It was interrupted, which concerns its thread alone: the next one tries.

    def _lead(self, key: Any, flight: ThreadFlight, compute: Callable[[], Any]) -> Any:
        try:
            flight.value = compute()
            return flight.value
        except BaseException as error:
            flight.error = error
            raise
        finally:
            flight.landed.set()  # first, because a comparison of keys may wait for somebody who waits for this one
            try:
                self._flights.pop(key, None)
            except BaseException:
                flight.is_stuck = True
                raise
