"""Large data between rank 0 and the others, by buffer.

mpi4py's futures look at a transfer now and then, and at each look MPI moves a few kilobytes. So large data goes beside
them: a rank asks rank 0 for what a task needs, or tells it of a result, and then both block in the transfer, which MPI
does at full speed.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any, NamedTuple

from hasten.backends.packed import Packed

# Bytes from which on data goes this way.
LARGE = 65_536
_ASK, _DATA = 1, 2  # tags
_FETCH, _TAKE = "fetch", "take"
_PATIENCE = 0.001


class Ticket(NamedTuple):
    """What stands for data in a message of mpi4py's futures."""

    number: int
    sizes: list[int]  # of the pickle and of each buffer


class Freight:
    """One end of the transfers: rank 0, or any other.

    Parameters
    ----------
    comm
        A communicator of all ranks, which nothing else uses.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self._numbers = itertools.count()
        self._sent: dict[int, Packed] = {}  # what ranks may ask for
        self._arrived: dict[tuple[int, int], Packed] = {}  # results, by rank and number
        self._news = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    # --- rank 0 ---

    def serve(self) -> None:
        """Start to answer the other ranks, until `close`."""
        self._is_closed = False
        self._thread = threading.Thread(target=self._answer, name="hasten-mpi-freight")
        self._thread.start()

    def close(self) -> None:
        """Stop to answer; all tasks are over."""
        self._is_closed = True
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def offer(self, packed: Packed, always: bool = False) -> Packed | Ticket:
        """Return what to send in place of data: its ticket, if it is large, or where `always`."""
        if self._comm.size == 1 or (packed.nbytes < LARGE and not always):
            return packed
        number = next(self._numbers)
        self._sent[number] = packed
        return Ticket(number, _sizes(packed))

    def withdraw(self, *offered: object) -> None:
        """Forget data whose task is over."""
        for one in offered:
            if isinstance(one, Ticket):
                self._sent.pop(one.number, None)

    def collect(self, rank: int, ticket: Ticket) -> Packed:
        """Return a result that a rank has told of."""
        key = (rank, ticket.number)
        with self._news:
            self._news.wait_for(lambda: key in self._arrived)
            return self._arrived.pop(key)

    def _answer(self) -> None:
        pause = 0.0
        while not self._is_closed:
            source = self._find_question()
            if source is None:
                time.sleep(pause)
                pause = min(_PATIENCE, pause + _PATIENCE / 100)
                continue
            pause = 0.0
            kind, ticket = self._comm.recv(None, source, _ASK)
            if kind == _FETCH:
                self._send(self._sent[ticket.number], source)
                continue
            packed = self._receive(ticket, source)
            with self._news:
                self._arrived[source, ticket.number] = packed
                self._news.notify_all()

    def _find_question(self) -> int | None:
        for rank in range(1, self._comm.size):
            if self._comm.iprobe(rank, _ASK):
                return rank
        return None

    # --- other ranks ---

    def fetch(self, offered: Packed | Ticket) -> Packed:
        """Return the data that was offered."""
        if isinstance(offered, Packed):
            return offered
        self._comm.send((_FETCH, offered), 0, _ASK)
        return self._receive(offered, 0)

    def deliver(self, packed: Packed) -> Packed | tuple[int, Ticket]:
        """Send a result if it is large; return what stands for it: this rank and the ticket."""
        if packed.nbytes < LARGE or self._comm.size == 1:
            return packed
        ticket = Ticket(next(self._numbers), _sizes(packed))
        self._comm.send((_TAKE, ticket), 0, _ASK)
        self._send(packed, 0)
        return self._comm.rank, ticket

    # --- both ---

    def _send(self, packed: Packed, rank: int) -> None:
        for part in (packed.pickled, *packed.buffers):
            self._comm.Send(memoryview(part).cast("B"), rank, _DATA)

    def _receive(self, ticket: Ticket, rank: int) -> Packed:
        parts = [bytearray(size) for size in ticket.sizes]
        for part in parts:
            self._comm.Recv(part, rank, _DATA)
        return Packed(bytes(parts[0]), parts[1:])


def _sizes(packed: Packed) -> list[int]:
    return [memoryview(part).nbytes for part in (packed.pickled, *packed.buffers)]
