"""How long a task must take before a pool is worth it: threads, processes, MPI and Dask, with two workers each.

A task computes for a given time in a compiled function without the GIL. The break-even size is the shortest one, of
those tried, for which the pool needs at most three quarters of the time that a plain loop takes, tasks sent one by one.
Name some of threads, processes, mpi, dask to measure only these.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hasten

WORKERS = 2
# Microseconds that a task takes.
SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)
GAIN = 0.75
ROUNDS = 3


@hasten.njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def compute(rounds: int) -> float:
    """Compute for a while."""
    total = 0.0
    for i in range(rounds):
        total += 1.0 / (total + i + 1.0)
    return total


def rounds_a_microsecond() -> float:
    compute(1000)
    start = time.perf_counter()
    compute(2_000_000)
    return 2.0 / (time.perf_counter() - start)


def seconds_of(run: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def break_even(name: str, pool: Any) -> None:
    """Print the shortest tasks that pay off, and the cost of a task."""
    speed = rounds_a_microsecond()
    pool.map(compute, [1000] * 20, chunksize=1)
    costs = seconds_of(lambda: pool.map(compute, [1] * 200, chunksize=1)) / 200
    for size in (size for size in SIZES if size * GAIN > costs * 1e6):
        rounds = int(size * speed)
        tasks = [rounds] * max(20, min(1000, 100_000 // size))
        plain = seconds_of(lambda tasks=tasks: [compute(n) for n in tasks])
        pooled = seconds_of(lambda tasks=tasks: pool.map(compute, tasks, chunksize=1))
        if pooled <= GAIN * plain:
            print(f"| {name} | {costs * 1e6:.0f} us | {size} us |", flush=True)
            return
    print(f"| {name} | {costs * 1e6:.0f} us | more than {SIZES[-1]} us |", flush=True)


def measure_threads() -> None:
    with hasten.ThreadPool(WORKERS) as pool:
        break_even("threads", pool)


def measure_processes() -> None:
    with hasten.Pool(WORKERS) as pool:
        break_even("processes", pool)


def measure_mpi() -> None:
    """Run this file under mpirun."""
    mpirun = Path(sys.executable).with_name("mpirun")
    command = [str(mpirun) if mpirun.exists() else "mpirun", "-n", str(WORKERS + 1), sys.executable, __file__, "rank"]
    subprocess.run(command, check=True, env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1"})


def measure_rank() -> None:
    with hasten.Pool(backend="mpi") as pool:
        break_even("MPI", pool)


def measure_dask() -> None:
    with hasten.Pool(WORKERS, backend="dask") as pool:
        break_even("Dask", pool)


MEASURES = {"threads": measure_threads, "processes": measure_processes, "mpi": measure_mpi, "dask": measure_dask}


def main() -> None:
    if sys.argv[1:] == ["rank"]:
        measure_rank()
        return
    print("| pool | a task that does nothing | break-even |\n|---|---|---|", flush=True)
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()


if __name__ == "__main__":
    main()
