"""Short external commands, two at a time, beside `subprocess.run` in a pool of threads, GNU parallel and xargs."""

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from _measure import Row, at_least, compare, main, row, times

import hasten

WORKERS = 2
COMMANDS = 1_000
PROGRAM = "/bin/true"
PEER = "subprocess.run in threads"


def each(run: Callable[[], object]) -> Callable[[], float]:
    """Return a contender: the seconds of one command."""

    def sample() -> float:
        start = perf_counter()
        run()
        return (perf_counter() - start) / COMMANDS

    return sample


def by_subprocess(*, capture: bool) -> None:
    def run(_: int) -> object:
        return subprocess.run([PROGRAM], capture_output=capture, stdin=subprocess.DEVNULL, check=True)

    with ThreadPoolExecutor(WORKERS) as executor:
        for _ in executor.map(run, range(COMMANDS)):
            pass


def by_xargs() -> None:
    subprocess.run(["xargs", f"-P{WORKERS}", "-n1", PROGRAM], input=b"x\n" * COMMANDS, check=True)


def by_parallel() -> None:
    command = ["parallel", f"-j{WORKERS}", "-n0", PROGRAM]
    subprocess.run(command, input=b"x\n" * COMMANDS, check=True, stderr=subprocess.DEVNULL)


def rows() -> list[Row]:
    """Measure the rows of the table."""
    contenders = {
        "hasten": each(lambda: hasten.run_all([[PROGRAM]] * COMMANDS, WORKERS)),
        PEER: each(lambda: by_subprocess(capture=True)),
        "the same, nothing captured": each(lambda: by_subprocess(capture=False)),
    }
    notes = []
    for name, run in (("xargs", by_xargs), ("parallel", by_parallel)):
        if shutil.which(name):
            contenders[name] = each(run)
        else:
            notes.append(f"{name}: not installed")
    found = compare(contenders, rounds=5)
    ratio = found.ratio(PEER, "hasten")
    subject = f"a short command, {WORKERS} at a time"
    bound = f"at least 2x {PEER}"
    return [row(subject, found, bound, at_least(ratio, 2), f"{times(ratio)} {PEER}", *notes, has_peer=False)]


if __name__ == "__main__":
    main(rows)
