"""``hasten demo``: real programs in plain Python and in the ways that make them faster."""

import argparse
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from hasten.demo.measure import ProgramResult
    from hasten.demo.program import Engine, Program, Size

DESCRIPTION = """\
Run real programs on this machine, each in plain Python and in the ways that Hasten offers, beside
NumPy, SciPy and numba where they are installed. Every result is compared with the plain one's.
It takes about two minutes; --quick, with smaller work, about twenty seconds.
"""
EXAMPLES = """\
examples:
  hasten demo                            tables in the terminal, and a chart in hasten-demo.png
  hasten demo --quick --html demo.html   a page with tables and chart, and the chart in demo.png
  hasten demo --json demo.json           the measurements, for other programs
  hasten demo --only fibonacci,mandelbrot

The programs are short; read them in the folder that this prints:
  python -c 'import hasten.demo; print(hasten.demo.__path__[0])'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--quick", action="store_true", help="smaller work, fewer runs")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the measurements as JSON")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page with tables and chart, in one file")
    parser.add_argument("--png", metavar="FILE", type=Path, help="where the chart goes; hasten-demo.png by default")
    parser.add_argument("--only", metavar="PROGRAM,...", help="only these, by the names of their files")
    # The suite's: every variant, in no time.
    parser.add_argument("--size", choices=("full", "quick", "tiny"), help=argparse.SUPPRESS)


def execute(options: argparse.Namespace) -> int:
    """Run ``hasten demo``; the status is 1 where a result was wrong or a variant failed."""
    from rich.console import Console

    from hasten.demo import PROGRAMS, measure, report
    from hasten.demo.program import find_engines

    chosen = options.only.split(",") if options.only else list(PROGRAMS)
    unknown = sorted(set(chosen) - set(PROGRAMS))
    if unknown:
        print(f"hasten demo: no program {', '.join(unknown)}; there are {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    size: Size = options.size or ("quick" if options.quick else "full")
    engines = find_engines()
    console = Console(width=None if sys.stdout.isatty() else 110)
    programs = [measure.load(name, size, engines) for name in chosen]
    watch = _Watch()
    results = _measure_all(console, programs, size)
    machine = [*_machine(engines), watch.report()]
    report.print_tables(console, results)
    for line in machine:
        console.print(line, style="dim", highlight=False, markup=False)
    _write_files(console, options, results, machine)
    failed = any(result.failures or not all(row.equal for row in result.rows) for result in results)
    return 1 if failed else 0


def _measure_all(console: "Console", programs: Sequence["Program"], size: "Size") -> list["ProgramResult"]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from hasten.demo import measure

    text = TextColumn("{task.description:<58}")
    # Drawn between the measurements only: a thread that draws would disturb them, and must not exist at a fork.
    with Progress(
        text,
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=sum(len(program.variants) for program in programs))
        results = []
        for program in programs:

            def step(variant: str, name: str = program.name) -> None:
                progress.update(task, description=f"{name}: {variant}"[:58], refresh=True)
                progress.advance(task)

            results.append(measure.measure(program, size, step))
        return results


class _Watch:
    """How much processor others used while the demo ran."""

    def __init__(self) -> None:
        self.start, self.own, self.all = perf_counter(), _own_seconds(), _busy_seconds()

    def report(self) -> str:
        """Return a line about the time since the start."""
        elapsed, own, busy = perf_counter() - self.start, _own_seconds() - self.own, _busy_seconds()
        if busy is None or self.all is None:
            return f"{elapsed:.0f} s in all"
        foreign = max(0.0, busy - self.all - own)
        share = foreign / elapsed
        warning = "; the figures are disturbed" if share > 0.1 else ""
        return f"{elapsed:.0f} s in all; other processes used {share:.2f} cores meanwhile{warning}"


def _own_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _busy_seconds() -> float | None:
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    except (OSError, ValueError):
        return None
    user, nice, system, _idle, _wait, irq, soft = ticks
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def _machine(engines: "Mapping[str, Engine | None]") -> list[str]:
    from hasten.cli.doctor import examine_processor, examine_threads, version_of

    versions = [f"Python {platform.python_version()}"]
    for package in ("hasten", "numpy", "scipy", "numba"):
        found = version_of(package)
        if found and engines.get(package, True) is not None:
            versions.append(f"{package} {found}")
    return [", ".join(versions), "; ".join(finding.value for finding in [*examine_processor(), examine_threads()[0]])]


def _write_files(
    console: "Console", options: argparse.Namespace, results: list["ProgramResult"], machine: list[str]
) -> None:
    from hasten.demo import measure, report

    figure = report.draw_chart(results)
    chart = None if figure is None else report.png_of(figure)
    written: list[Path] = []
    if chart is None:
        console.print(
            "No chart: matplotlib is not installed; pip install 'hasten[demo]'", highlight=False, markup=False
        )
    else:
        png = options.png or (options.html.with_suffix(".png") if options.html else Path("hasten-demo.png"))
        png.write_bytes(chart)
        written.append(png)
    if options.html:
        report.write_html(options.html, results, machine, chart)
        written.append(options.html)
    if options.json:
        report.write_json(options.json, measure.rows(results))
        written.append(options.json)
    if written:
        console.print(f"Written: {', '.join(map(str, written))}", highlight=False, markup=False)
