"""What every benchmark shares: contenders measured in turn, disturbed rounds thrown away, one way to show a row.

A benchmark is a script with ``rows()``. It runs by itself, and ``table.py`` runs all of them, each in its own process.
"""

import argparse
import ctypes
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from timeit import Timer

HERE = Path(__file__).resolve().parent
# Of prctl: what descendants leave behind when they end becomes this process's.
PR_SET_CHILD_SUBREAPER = 36
# A round counts as undisturbed where others used less than this many cores meanwhile.
QUIET = 0.1
# Seconds of a round: the system counts processor time in ticks of 10 ms.
SHORTEST_ROUND = 0.25


@dataclass(frozen=True)
class Sample:
    """The seconds that one contender took, one value a round."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The values below which a quarter and three quarters of the rounds lie."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class Comparison:
    """Contenders measured in turn in one run."""

    samples: dict[str, Sample]
    rounds: int
    discarded: int
    foreign: float  # the most cores that others used in a round that counts

    def ratio(self, slow: str, fast: str) -> float | None:
        """How many times longer `slow` takes than `fast`, round by round; None where one is missing."""
        if slow not in self.samples or fast not in self.samples:
            return None
        pairs = zip(self.samples[slow].seconds, self.samples[fast].seconds, strict=True)
        return statistics.median(a / b for a, b in pairs)


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    subject: str
    figures: dict[str, str]  # what was measured, by contender
    bound: str
    is_met: bool | None  # None where a peer that the bound speaks of is not installed
    conditions: str
    notes: list[str] = field(default_factory=list)
    is_disturbed: bool = False  # others used the processor in the rounds that count


def compare(contenders: Mapping[str, Callable[[], float]], rounds: int = 11) -> Comparison:
    """Measure contenders in turn until enough rounds are undisturbed.

    Parameters
    ----------
    contenders
        By name; each is called once a round and returns the seconds of one operation.
    rounds
        How many rounds count. Twice as many are tried at most; then the least disturbed ones count.
    """
    adopt_orphans()
    tried: list[tuple[float, dict[str, float]]] = []
    quiet = 0
    while quiet < rounds and len(tried) < 2 * rounds:
        foreign, taken = _round(contenders)
        tried.append((foreign, taken))
        quiet += foreign < QUIET
    counted = sorted(tried, key=lambda one: one[0])[:rounds]
    samples = {name: Sample([taken[name] for _, taken in counted]) for name in contenders}
    return Comparison(samples, rounds, len(tried) - len(counted), max(foreign for foreign, _ in counted))


def _round(contenders: Mapping[str, Callable[[], float]]) -> tuple[float, dict[str, float]]:
    """Measure each contender, several times if that is short; return what others used, and the shortest times.

    What lengthens a single time is somebody else's doing; what varies from round to round is kept.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    start, own, busy = perf_counter(), _own_seconds(), _busy_seconds()
    elapsed = 0.0
    while elapsed < SHORTEST_ROUND:
        for name, contender in contenders.items():
            taken[name].append(contender())
        elapsed = perf_counter() - start
    foreign = max(0.0, (_busy_seconds() - busy) - (_own_seconds() - own)) / elapsed
    return foreign, {name: min(values) for name, values in taken.items()}


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends before them, so that what they use counts as this one's."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _own_seconds() -> float:
    """Return the processor time of this process and all its descendants; those that live are in no usage of its own."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ended = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return ended + sum(process_seconds(pid, with_waited_for=True) for pid in descendants(os.getpid()))


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, directly and not, and that have not been waited for."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it ended meanwhile
        return []
    children = [int(child) for text in lists for child in text.split()]
    return children + [further for child in children for further in descendants(child)]


def process_seconds(pid: int, with_waited_for: bool = False) -> float:
    """Return the processor time of a process, and of those that it waited for; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11 : 15 if with_waited_for else 13])) / os.sysconf("SC_CLK_TCK")


def _busy_seconds() -> float:
    user, nice, system, _idle, _wait, irq, soft = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def timed(statement: str, at_least: float = 0.02, net: bool = False, **names: object) -> Callable[[], float]:
    """Return a contender that runs a statement in a loop of at least that many seconds.

    With `net`, what the loop itself takes is subtracted.
    """
    timer, empty = Timer(statement, globals=names), Timer("pass")
    timer.timeit(1)
    number = 1
    while timer.timeit(number) < at_least:
        number *= 2

    def sample() -> float:
        taken = timer.timeit(number)
        return (taken - empty.timeit(number) if net else taken) / number

    return sample


def fresh(subject: str, engine: str, cache: str = "") -> dict[str, float]:
    """Run a subject of ``_fresh.py`` in a process of its own, with its cache in the folder `cache`, or an empty one."""
    with tempfile.TemporaryDirectory() as empty:
        folder = cache or empty
        environment = {**os.environ, "HASTEN_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder}
        command = [sys.executable, str(HERE / "_fresh.py"), subject, engine]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True)
    if shown.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)} failed:\n{shown.stderr}")
    figures: dict[str, float] = json.loads(shown.stdout.splitlines()[-1])
    return figures


def fresh_figure(subject: str, engine: str, figure: str, cache: str = "") -> Callable[[], float]:
    """Return a contender: one figure of a subject, measured in a new process each time."""
    return lambda: fresh(subject, engine, cache)[figure]


@contextmanager
def filled_cache(subject: str, engine: str) -> Iterator[str]:
    """Give a folder in which the cache holds what a subject compiles."""
    with tempfile.TemporaryDirectory() as folder:
        fresh(subject, engine, folder)
        yield folder


def installed(package: str) -> str | None:
    """Return the version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def has_numba() -> bool:
    """Whether the peer is there."""
    return installed("numba") is not None


def show(seconds: float) -> str:
    """Return a time with three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= scale or unit == "ns":
            break
    return f"{seconds / scale:.3g} {unit}" if seconds < 1000 * scale else f"{seconds / scale:.0f} {unit}"


def row(subject: str, compared: Comparison, bound: str, is_met: bool | None, *notes: str, has_peer: bool = True) -> Row:
    """Return a row that shows every contender's median and quartiles."""
    figures = {}
    for name, sample in compared.samples.items():
        low, high = sample.quartiles
        figures[name] = f"{show(sample.median)} ({show(low)}-{show(high)})"
    conditions = (
        f"{compared.rounds} rounds, {compared.discarded} discarded, others used at most {compared.foreign:.2f} cores"
    )
    if has_peer and not has_numba():
        figures["numba"] = "not installed"
    return Row(subject, figures, bound, is_met, conditions, list(notes), compared.foreign >= QUIET)


def at_most(value: float | None, limit: float) -> bool | None:
    """Whether a bound from above is met; None where there is no value."""
    return None if value is None else value <= limit


def at_least(value: float | None, limit: float) -> bool | None:
    """Whether a bound from below is met; None where there is no value."""
    return None if value is None else value >= limit


def times(ratio: float | None) -> str:
    """Return a ratio for people."""
    return "unknown" if ratio is None else f"{ratio:.2f}x"


def header() -> list[str]:
    """Return what a reader needs to judge the figures: command, versions, machine."""
    packages = (f"{name} {installed(name)}" for name in ("hasten", "numpy", "numba", "scipy") if installed(name))
    cores = len(os.sched_getaffinity(0))
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return [
        f"command: {shlex.join(['python', *sys.argv])}",
        f"Python {platform.python_version()}, {', '.join(packages)}",
        f"{model}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start",
    ]


def verdict(one: Row) -> str:
    """Return whether the bound is met, in a word."""
    words = {True: "met", False: "MISSED", None: "not judged: no peer"}[one.is_met]
    return f"{words}, but the run was disturbed; measure again on a quiet machine" if one.is_disturbed else words


def main(rows: Callable[[], list[Row]]) -> None:
    """Run a benchmark as a script; ``--json`` prints the rows for ``table.py``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print a list of rows as JSON")
    options = parser.parse_args()
    # A core type that was chosen for another machine slows NumPy down, and would flatter whoever is compared with it.
    if os.environ.pop("OPENBLAS_CORETYPE", None) is not None:
        os.execv(sys.executable, [sys.executable, *sys.argv])
    if options.json:
        print(json.dumps([asdict(one) for one in rows()]))
        return
    print("\n".join(header()))
    for one in rows():
        print(f"\n{one.subject}")
        for name, figure in one.figures.items():
            print(f"  {name:<28} {figure}")
        print(f"  bound: {one.bound}: {verdict(one)}")
        for line in (*one.notes, one.conditions):
            print(f"  {line}")
