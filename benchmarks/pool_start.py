"""How long a new pool of two workers takes to its first result, and what a worker takes of memory of its own."""

import multiprocessing
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from _measure import Row, at_most, compare, main, row, show, times

import hasten

WORKERS = 2
FIRST_RESULT = 20e-3
PRIVATE_BYTES = 3 << 20


def first_result(pool: str, *options: str) -> float:
    """Return the seconds from a new pool to its first result, in a new process whose main module is a file."""
    command = [sys.executable, str(Path(__file__).with_name("_pool_start.py")), pool, *options]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def bare_start(*flags: str) -> float:
    """Return the seconds that an interpreter takes which does nothing: a pool that starts one can't be faster."""
    start = perf_counter()
    subprocess.run([sys.executable, *flags, "-c", "pass"], check=True)
    return perf_counter() - start


def private_bytes(_: object = None) -> int:
    """Return how many bytes this process shares with no other."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return sum(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Private"))


def bare_private_bytes() -> int:
    """Return the same of an interpreter that has done nothing."""
    code = "print(open('/proc/self/smaps_rollup').read())"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return sum(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Private"))


def default_row() -> Row:
    """Measure the default start method, with and without NumPy in the main module."""
    found = compare(
        {
            "hasten": lambda: first_result("hasten", "cold"),
            "hasten, template at hand": lambda: first_result("hasten"),
            "hasten, second pool": lambda: first_result("hasten", "second"),
            "hasten, NumPy in __main__": lambda: first_result("hasten", "numpy"),
            "multiprocessing, spawn": lambda: first_result("spawn"),
            "multiprocessing, forkserver": lambda: first_result("forkserver"),
            "python -c pass": bare_start,
            "python -I -S -c pass": lambda: bare_start("-I", "-S"),
        },
        rounds=5,
    )
    is_met = at_most(found.samples["hasten"].median, FIRST_RESULT)
    return row("first result of a new pool", found, f"at most {show(FIRST_RESULT)}", is_met, has_peer=False)


def fork_row() -> Row:
    """Measure the start method fork."""
    found = compare(
        {"hasten": lambda: first_result("hasten-fork"), "multiprocessing": lambda: first_result("fork")}, rounds=5
    )
    ratio = found.ratio("hasten", "multiprocessing")
    return row(
        "first result of a new pool that forks",
        found,
        "at most multiprocessing.Pool's",
        at_most(ratio, 1.0),
        f"{times(ratio)} multiprocessing.Pool's",
        has_peer=False,
    )


def memory_row() -> Row:
    """Measure a worker's own memory beyond an interpreter's."""
    with hasten.Pool(WORKERS) as ours, multiprocessing.get_context("fork").Pool(WORKERS) as standard:
        found = {"hasten": ours.apply(private_bytes), "multiprocessing, fork": standard.apply(private_bytes)}
    bare = bare_private_bytes()
    extra = {name: f"{(size - bare) / (1 << 20):.1f} MB" for name, size in found.items()}
    is_met = found["hasten"] - bare <= PRIVATE_BYTES
    return Row("a worker's private memory beyond an interpreter's", extra, "at most 3 MB", is_met, "one worker of each")


def rows() -> list[Row]:
    """Measure the rows of the table."""
    return [default_row(), fork_row(), memory_row()]


if __name__ == "__main__":
    main(rows)
