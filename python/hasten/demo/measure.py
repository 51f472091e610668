"""Measures the demo's programs, one variant after another, and checks what each computes."""

import gc
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter

from hasten.demo.program import Engine, Program, Size, Variant

# A variant is run again until it has used this many seconds, or has run often enough.
_BUDGET = {"full": 0.8, "quick": 0.4, "tiny": 0.0}
_MOST_RUNS = 9
# But this often where one run takes less than the budget.
_FEWEST_RUNS = 3
# What takes less than this once is not counted the first time, when memory and processor are still cold.
_SHORT = 0.5


@dataclass(frozen=True)
class Row:
    """What was measured of one variant of one program."""

    program: str
    variant: str
    median_s: float
    spread_s: float  # between the quartiles; of fewer than four runs, between the extremes
    speedup: float  # the plain variant's median over this one's
    equal: bool
    runs: int
    first_call_s: float | None  # of compiled variants: with the compilation
    note: str


@dataclass(frozen=True)
class Failure:
    """A variant that raised an exception instead of giving a result."""

    program: str
    variant: str
    error: str


@dataclass(frozen=True)
class ProgramResult:
    """One program with all its rows, the plain variant's first."""

    program: Program
    rows: list[Row]
    failures: list[Failure]


def load(name: str, size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Prepare the program in the file `name`."""
    program: Program = import_module(f"hasten.demo.{name}").prepare(size, engines)
    return program


def measure(program: Program, size: Size, step: Callable[[str], None]) -> ProgramResult:
    """Run every variant of a program; `step` is called with the name of each before it runs."""
    result = ProgramResult(program, [], [])
    expected: object = None
    plain_median = 0.0
    for variant in program.variants:
        step(variant.name)
        gc.collect()
        try:
            timing, value = _run(variant, _BUDGET[size])
        except Exception as error:
            first_line = f"{type(error).__name__}: {error}".splitlines()[0]
            result.failures.append(Failure(program.name, variant.name, first_line))
            if variant is program.variants[0]:
                break  # there is nothing to compare with
            continue
        if variant is program.variants[0]:
            expected, plain_median = value, timing.median
        same = variant.same or program.same
        result.rows.append(
            Row(
                program.name,
                variant.name,
                timing.median,
                timing.spread,
                plain_median / timing.median,
                bool(same(value, expected)),
                len(timing.seconds),
                timing.first_call,
                variant.note,
            )
        )
    return result


@dataclass(frozen=True)
class Timing:
    """The seconds that the counted runs took, and the first call of what compiles."""

    seconds: list[float]
    first_call: float | None = None

    @property
    def median(self) -> float:
        """The median of the counted runs."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance between the quartiles, or between the extremes of fewer than four runs."""
        if len(self.seconds) < 4:
            return max(self.seconds) - min(self.seconds)
        low, _, high = statistics.quantiles(self.seconds, n=4)
        return high - low


def _run(variant: Variant, budget: float) -> tuple[Timing, object]:
    first, value = _timed(variant.run)
    seconds = [] if variant.is_compiled or first < min(_SHORT, budget) else [first]
    spent = 0.0 if variant.is_compiled else first
    while not _is_enough(seconds, spent, budget):
        taken, value = _timed(variant.run)
        seconds.append(taken)
        spent += taken
    return Timing(seconds, first if variant.is_compiled else None), value


def _is_enough(seconds: list[float], spent: float, budget: float) -> bool:
    if not seconds:
        return False
    if len(seconds) < _FEWEST_RUNS and max(seconds) < budget:
        return False
    return spent + statistics.median(seconds) > budget or len(seconds) >= _MOST_RUNS


def _timed(run: Callable[[], object]) -> tuple[float, object]:
    start = perf_counter()
    value = run()
    return perf_counter() - start, value


def rows(results: list[ProgramResult]) -> Iterator[Row]:
    """Yield the rows of all programs."""
    for result in results:
        yield from result.rows
