"""Shows what the demo measured: tables for the terminal, a chart, a web page, JSON."""

import base64
import html
import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hasten.demo.measure import ProgramResult, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"hasten": "#d1495b", "numba": "#8d96a3", "other": "#30638e", "plain": "#c9ccd3"}


def print_tables(console: Console, results: Iterable[ProgramResult]) -> None:
    """Print one table for each program."""
    for result in results:
        program = result.program
        table = Table(title=f"[bold]{program.name}[/]: {program.work}", title_justify="left", expand=False)
        table.add_column("variant", overflow="fold", max_width=38)
        for heading in ("median", "spread", "runs", "speed-up", "equal", "first call"):
            table.add_column(heading, justify="right")
        for row in result.rows:
            table.add_row(
                row.variant + ("*" if row.note else ""),
                seconds(row.median_s),
                seconds(row.spread_s) if row.runs > 1 else "-",
                str(row.runs),
                f"[bold]{factor(row.speedup)}[/]",
                "yes" if row.equal else "[bold red]NO[/]",
                "" if row.first_call_s is None else seconds(row.first_call_s),
                style="dim" if row.variant == "plain" else "",
            )
        for failure in result.failures:
            table.add_row(failure.variant, "failed", "", "", "", "[bold red]NO[/]", "")
        for peer in program.absent:
            table.add_row(peer, "not installed", style="dim")
        console.print(table)
        for line in footnotes(result):
            console.print(f"  {line}", style="dim", highlight=False, markup=False)
        console.print()


def footnotes(result: ProgramResult) -> list[str]:
    """Return what has to be said about a program's rows."""
    lines = [f"* {row.variant}: {row.note}" for row in result.rows if row.note]
    once = [row.variant for row in result.rows if row.runs == 1]
    if once:
        lines.append(f"run only once: {'; '.join(once)}")
    return lines + [f"{failure.variant} failed: {failure.error}" for failure in result.failures]


def seconds(value: float) -> str:
    """Return a time with three digits: ``"1.25 ms"``."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale or unit == "us":
            break
    return f"{value / scale:.3g} {unit}" if value < 1000 * scale else f"{value / scale:,.0f} {unit}"


def factor(value: float) -> str:
    """Return how many times faster something is: ``"12.5x"``."""
    return f"{value:,.0f}x" if value >= 100 else f"{value:.3g}x"


def write_json(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows as a list of objects."""
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def draw_chart(results: list[ProgramResult]) -> "Figure | None":
    """Return the speed-ups as bars, or None where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return None
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    drawn = [result for result in results if len(result.rows) > 1]
    columns = 2
    lines = max(1, -(-len(drawn) // columns))
    most = max((len(result.rows) for result in drawn), default=1)
    figure = Figure(figsize=(13, lines * (0.9 + 0.27 * most)), layout="constrained")
    figure.suptitle("How many times faster than plain Python", fontsize=14, fontweight="bold")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, result in zip(axes, drawn, strict=False):
        bars = result.rows[::-1]
        panel.barh(
            [row.variant for row in bars],
            [row.speedup - 1 for row in bars],
            left=1,
            height=0.8 * len(bars) / most,
            color=[_colour(row) for row in bars],
        )
        panel.set_xscale("log")
        panel.set_xlim(min(0.5, *(0.5 * row.speedup for row in bars)), 3 * max(row.speedup for row in bars))
        panel.xaxis.set_major_formatter(lambda value, _: factor(value))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(result.program.name, fontsize=11, loc="left", fontweight="bold")
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.axvline(1.0, color="#999999", linewidth=0.8)
        for position, row in enumerate(bars):
            panel.text(1.08 * max(1.0, row.speedup), position, factor(row.speedup), va="center", fontsize=8)
    for panel in axes[len(drawn) :]:
        panel.set_visible(False)
    return figure


def _colour(row: Row) -> str:
    if row.variant == "plain":
        return _COLOURS["plain"]
    return next((_COLOURS[name] for name in ("hasten", "numba") if name in row.variant), _COLOURS["other"])


def png_of(figure: "Figure") -> bytes:
    """Return a chart as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22252b; max-width: 62rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; margin: .6rem 0; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e3e5e9; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: #5b616b; }
.hasten td:first-child { color: #b3263c; font-weight: 600; } .absent, .note { color: #7b828d; } .wrong { color: #c00; }
img { max-width: 100%; } .machine { font-size: .87rem; color: #5b616b; }
"""


def write_html(path: Path, results: list[ProgramResult], machine: list[str], chart: bytes | None) -> None:
    """Write a page that needs no other file."""
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>hasten demo</title>", f"<style>{_STYLE}</style>"]
    parts.append("<h1>What Hasten does for real programs</h1>")
    parts += [f"<p class=machine>{html.escape(line)}</p>" for line in machine]
    if chart is not None:
        data = base64.b64encode(chart).decode()
        parts.append(f'<img alt="Speed-ups over plain Python" src="data:image/png;base64,{data}">')
    parts += [_html_section(result) for result in results]
    path.write_text("\n".join(parts) + "</html>\n", encoding="utf-8")


def _html_section(result: ProgramResult) -> str:
    program = result.program
    headings = "".join(f"<th>{name}</th>" for name in _HTML_HEADINGS)
    body = [_html_row(row) for row in result.rows]
    body += [
        f"<tr class=wrong><td>{html.escape(failure.variant)}</td><td>failed</td></tr>" for failure in result.failures
    ]
    body += [f"<tr class=absent><td>{html.escape(name)}</td><td>not installed</td></tr>" for name in program.absent]
    notes = "".join(f"<p class=note>{html.escape(line)}</p>" for line in footnotes(result))
    title = f"<h2>{html.escape(program.name)}</h2><p>{html.escape(program.work)}</p>"
    return f"{title}<table><tr>{headings}</tr>{''.join(body)}</table>{notes}"


_HTML_HEADINGS = ("variant", "median", "spread", "runs", "speed-up", "equal", "first call")


def _html_row(row: Row) -> str:
    cells = [
        html.escape(row.variant) + ("*" if row.note else ""),
        seconds(row.median_s),
        seconds(row.spread_s) if row.runs > 1 else "-",
        str(row.runs),
        f"<b>{factor(row.speedup)}</b>",
        "yes" if row.equal else "<b class=wrong>NO</b>",
        "" if row.first_call_s is None else seconds(row.first_call_s),
    ]
    kind = " class=hasten" if "hasten" in row.variant else ""
    return f"<tr{kind}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
