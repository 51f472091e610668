"""What calls of MPI cost: from functions that Hasten compiled, that numba did (numba-mpi), and from Python (mpi4py).

Two ranks send an array back and forth, and sum it up. Peers that are not installed are left out. For the manual's page
on clusters, not for the table: `python benchmarks/mpi_calls.py`.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

# Items of an array, and how many times it is sent.
SIZES = ((1, 2000), (1000, 2000), (1_000_000, 20))
ROUNDS = 5
PEERS = {"hasten": "hasten", "numba-mpi": "numba_mpi", "mpi4py": "mpi4py"}

Calls = tuple[Callable[[Any, int], None], Callable[[Any, Any, int], None]]


def hasten_calls() -> Calls:
    import hasten
    from hasten import mpi

    @hasten.njit
    def ping_pong(array: Any, times: int) -> None:
        for _ in range(times):
            if mpi.rank() == 0:
                mpi.send(array, 1)
                mpi.recv(array, 1)
            else:
                mpi.recv(array, 0)
                mpi.send(array, 0)

    @hasten.njit
    def add_up(array: Any, total: Any, times: int) -> None:
        for _ in range(times):
            total[:] = mpi.allreduce(array)

    return ping_pong, add_up


def numba_calls() -> Calls:
    import numba
    import numba_mpi as mpi  # type: ignore[import-not-found, unused-ignore]

    @numba.njit  # type: ignore[untyped-decorator, unused-ignore]
    def ping_pong(array: Any, times: int) -> None:
        for _ in range(times):
            if mpi.rank() == 0:
                mpi.send(array, 1, 0)
                mpi.recv(array, 1, 0)
            else:
                mpi.recv(array, 0, 0)
                mpi.send(array, 0, 0)

    @numba.njit  # type: ignore[untyped-decorator, unused-ignore]
    def add_up(array: Any, total: Any, times: int) -> None:
        for _ in range(times):
            mpi.allreduce(array, total, mpi.Operator.SUM)

    return ping_pong, add_up


def mpi4py_calls() -> Calls:
    from mpi4py import MPI

    comm = MPI.COMM_WORLD

    def ping_pong(array: Any, times: int) -> None:
        for _ in range(times):
            if comm.rank == 0:
                comm.Send(array, 1)
                comm.Recv(array, 1)
            else:
                comm.Recv(array, 0)
                comm.Send(array, 0)

    def add_up(array: Any, total: Any, times: int) -> None:
        for _ in range(times):
            comm.Allreduce(array, total)

    return ping_pong, add_up


CALLS = {"hasten": hasten_calls, "numba-mpi": numba_calls, "mpi4py": mpi4py_calls}


def measure(name: str) -> None:
    """Print one row; in each rank."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    ping_pong, add_up = CALLS[name]()
    start = time.perf_counter()
    ping_pong(np.ones(1), 1)
    first = time.perf_counter() - start
    cells = []
    for size, times in SIZES:
        array, total = np.ones(size), np.empty(size)
        add_up(array, total, 1)
        for run in (partial(ping_pong, array, times), partial(add_up, array, total, times)):
            seconds = []
            for _ in range(ROUNDS):
                comm.Barrier()
                start = time.perf_counter()
                run()  # type: ignore[no-untyped-call, unused-ignore]
                seconds.append(time.perf_counter() - start)
            cells.append(f"{min(seconds) / times * 1e6:.1f} us")
    if comm.rank == 0:
        print(f"| {name} | {first * 1e3:.0f} ms | {' | '.join(cells)} |", flush=True)


def main() -> None:
    if len(sys.argv) == 2:
        measure(sys.argv[1])
        return
    titles = [f"{what} of {size:,}" for size, _ in SIZES for what in ("back and forth", "sum")]
    print(f"| | first call | {' | '.join(titles)} |\n|{'---|' * (2 + len(titles))}", flush=True)
    mpirun = Path(sys.executable).with_name("mpirun")
    command = [str(mpirun) if mpirun.exists() else "mpirun", "-n", "2", sys.executable, __file__]
    for name, module in PEERS.items():
        if importlib.util.find_spec(module) is not None:
            subprocess.run([*command, name], check=True, env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1"})


if __name__ == "__main__":
    main()
