"""The ranks of a program that runs under MPI: what `hasten.mpi` and the pool over MPI share.

A rank other than 0 serves the pools of rank 0. Rank 0 announces each pool, and its own end, by a message. So no rank
waits for a pool that never comes, and rank 0 waits for no rank that has come to its end: that one serves, too.
"""

from __future__ import annotations

import atexit
import functools
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hasten import _core
from hasten.backends.freight import Freight
from hasten.backends.interface import require

# Messages of rank 0 to the others, on COMM_WORLD under a tag that programs hardly use.
_TAG = 27182
_HELLO, _POOL, _COLLECTIVE, _END = "hello", "pool", "collective", "end"
# Seconds between two looks for a message, at most.
_PATIENCE = 0.001
# Seconds that a rank which has come to its end waits for a sign that rank 0 uses Hasten, too.
_GRACE = 10.0
# Seconds that the launcher gets to pass a message on, before it drops what a program says that aborts.
_PAUSE = 0.3


def load_mpi() -> ModuleType:
    """Import ``mpi4py.MPI``, which starts MPI.

    Raises
    ------
    ModuleNotFoundError
        Where mpi4py is not installed.
    RuntimeError
        Where it finds no MPI library.
    """
    try:
        return require("mpi4py.MPI", "mpi")
    except ModuleNotFoundError:
        raise
    except (ImportError, RuntimeError) as error:
        message = f"mpi4py found no MPI library ({error}); install one: pip install mpich, or Debian's openmpi-bin"
        raise RuntimeError(message) from error


class World:
    """All ranks of this program."""

    def __init__(self) -> None:
        self.mpi: Any = load_mpi()
        self.comm = self.mpi.COMM_WORLD
        self.rank: int = self.comm.rank
        self.size: int = self.comm.size
        self._serve_one: Callable[[], None] | None = None  # serves one pool of rank 0
        self._freight: Freight | None = None
        self._heard: str | None = None  # the last message of rank 0
        self._missed = False  # whether rank 0 makes such a call that this rank has not made
        self._failed = False
        if self.size > 1:
            self._tell(_HELLO)
            self._prepare_to_serve()
            atexit.register(self._leave)
            self._end_together()

    def freight(self) -> Freight:
        """Return what moves large data; all ranks call this together for the first time, when they make a pool."""
        if self._freight is None:
            self._freight = Freight(self.comm.Dup())
        return self._freight

    # --- rank 0 ---

    def _tell(self, message: str) -> None:
        if self.rank == 0:
            for rank in range(1, self.size):
                self.comm.send((message, _core.mpi_collective_calls()), rank, _TAG)

    def announce_pool(self) -> None:
        """Call all ranks to serve a new pool."""
        _core.owe_mpi_announcement()
        self._tell(_POOL)

    def before_collective(self) -> None:
        """Take note of a collective call."""
        if _core.begin_mpi_collective():
            self.announce_collective()

    def announce_collective(self) -> None:
        """Let a rank that serves for good notice that rank 0 expects it in a collective call."""
        self._tell(_COLLECTIVE)

    # --- the other ranks ---

    def _prepare_to_serve(self) -> None:
        """Import now what serves pools: at the end of the program executors can't be imported any more."""
        if self.rank != 0:
            from hasten.backends.mpi import serve

            require("mpi4py.futures", "mpi")
            self._serve_one = serve

    def await_pool(self) -> bool:
        """Wait until rank 0 makes a pool; False where its program ends without one."""
        while self._receive() not in (_POOL, _END):
            pass
        return self._heard == _POOL

    def serve_until_end(self) -> None:
        """Serve all further pools of rank 0, until its program ends."""
        while self._heard != _END:
            message = self._receive()
            if message == _POOL and self._serve_one is not None:
                self._serve_one()
            elif message == _COLLECTIVE and self._missed:
                self._complain()

    def _complain(self) -> None:
        print(
            f"hasten: rank 0 calls a collective function of hasten.mpi, but rank {self.rank} only serves pools since "
            'it used one itself; use pools under "if hasten.mpi.rank() == 0:"',
            file=sys.stderr,
            flush=True,
        )
        time.sleep(_PAUSE)
        self.comm.Abort(1)

    def _receive(self) -> str:
        self._await_message(None)
        message, calls = self.comm.recv(None, 0, _TAG)
        self._missed = calls > _core.mpi_collective_calls()
        self._heard = message
        return str(message)

    def _await_message(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        pause = 0.0
        while not self.comm.iprobe(0, _TAG):
            if end is not None and time.monotonic() > end:
                return False
            time.sleep(pause)
            pause = min(_PATIENCE, pause + _PATIENCE / 100)
        return True

    # --- the end ---

    def _leave(self) -> None:
        self._tell(_END)
        if self.rank == 0 or self._failed:
            return
        if self._heard is not None or self._await_message(_GRACE):
            self.serve_until_end()

    def _end_together(self) -> None:
        """Let an exception that ends one rank end them all, for the others may be waiting for it."""
        previous = sys.excepthook

        def fail(*raised: Any) -> None:
            previous(*raised)
            self._failed = True
            self.mpi._set_abort_status(1)

        sys.excepthook = fail


@functools.cache
def world() -> World:
    """Return the ranks of this program; starts MPI."""
    return World()


def announce_collective() -> None:
    """Let compiled code announce a collective call."""
    world().announce_collective()
