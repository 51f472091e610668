"""Short external commands, two at a time, beside `subprocess.run` in threads, GNU parallel, xargs, and a loop in C.

A short command costs the system most of what it takes: the new process, its program's start, its end. What that leaves
for a runner to save is shown by that loop, which starts the same commands, captures nothing and waits.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from _measure import HERE, Row, at_least, compare, main, row, times

import hasten

WORKERS = 2
COMMANDS = 10_000
FEW = 100  # for GNU parallel, which takes milliseconds a command
PEER = "subprocess.run in threads"
DEFAULT = "the same, default threads"
FLOOR = "a loop in C"


def each(run: Callable[[], object], commands: int = COMMANDS) -> Callable[[], float]:
    """Return a contender: the seconds of one command."""

    def sample() -> float:
        start = perf_counter()
        run()
        return (perf_counter() - start) / commands

    return sample


def by_subprocess(program: str, workers: int | None = WORKERS, *, capture: bool = True) -> None:
    def run(_: int) -> object:
        return subprocess.run([program], capture_output=capture, check=True)

    with ThreadPoolExecutor(workers) as executor:
        for _ in executor.map(run, range(COMMANDS)):
            pass


def by_xargs(program: str) -> None:
    subprocess.run(["xargs", f"-P{WORKERS}", "-n1", program], input=b"x\n" * COMMANDS, check=True)


def by_parallel(program: str) -> None:
    command = ["parallel", "--will-cite", f"-j{WORKERS}", "-n0", program]
    subprocess.run(command, input=b"x\n" * FEW, check=True, stderr=subprocess.DEVNULL)


def built(folder: str, source: str, *options: str) -> str:
    """Compile a program of the folder ``cpp``; return its path."""
    program = Path(folder) / Path(source).stem
    subprocess.run(["c++", "-O2", *options, HERE / "cpp" / source, "-o", program], check=True)
    return str(program)


def compared(subject: str, program: str, starter: str | None) -> Row:
    """Measure one short command by all that run commands."""
    contenders = {
        "hasten": each(lambda: hasten.run_all([[program]] * COMMANDS, WORKERS)),
        PEER: each(lambda: by_subprocess(program)),
        DEFAULT: each(lambda: by_subprocess(program, None)),
        "the same, nothing captured": each(lambda: by_subprocess(program, capture=False)),
    }
    notes = []
    for name, run, commands in (("xargs", by_xargs, COMMANDS), ("parallel", by_parallel, FEW)):
        if shutil.which(name):
            contenders[name] = each(partial(run, program), commands)
        else:
            notes.append(f"{name}: not installed")
    if starter is not None:
        contenders[FLOOR] = each(lambda: subprocess.run([starter, program, str(COMMANDS), str(WORKERS)], check=True))
    found = compare(contenders, rounds=3)
    ratio = found.ratio(PEER, "hasten")
    notes.append(f"{times(ratio)} {PEER}, {times(found.ratio(DEFAULT, 'hasten'))} with default threads")
    if starter is not None:
        notes.append(f"no runner can be more than {times(found.ratio(PEER, FLOOR))} {PEER}: {FLOOR} is")
    bound = f"at least 2x {PEER}"
    return row(f"{subject}, {WORKERS} at a time", found, bound, at_least(ratio, 2), *notes, has_peer=False)


def rows() -> list[Row]:
    """Measure the rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("c++") is None:
            return [compared("a short command, /bin/true", "/bin/true", None)]
        starter = built(folder, "start_programs.cpp")
        nothing = built(folder, "nothing.cpp", "-static", "-nostdlib")
        return [
            compared("a short command, /bin/true", "/bin/true", starter),
            compared("the shortest command, two instructions", nothing, starter),
        ]


if __name__ == "__main__":
    main(rows)
