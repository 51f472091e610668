"""``hasten demo``: its programs, how they are measured, and what it writes."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hasten.cli import main
from hasten.demo import PROGRAMS, measure, program, report
from hasten.demo.program import Engine, Program, Variant, equal, equal_to_rounding
from rich.console import Console


def decorator(**options: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile nothing: what is tested is the demo, with any engine."""
    return lambda function: function


INTERPRETER = Engine("hasten", decorator, decorator, range)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Engine | None]]:
    found = {"hasten": INTERPRETER, "numba": None}
    monkeypatch.setattr(program, "find_engines", lambda: found)
    yield found


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_variant_computes_the_same(name: str, engines: dict[str, Engine | None]) -> None:
    result = measure.measure(measure.load(name, "tiny", engines), "tiny", lambda variant: None)
    assert result.failures == []
    assert [row.variant for row in result.rows if not row.equal] == []
    assert result.rows[0].variant == "plain"
    assert result.rows[0].speedup == 1.0
    assert any("hasten" in row.variant or row.variant == "processes" for row in result.rows)


def test_compiled_variants_compute_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hasten", "demo", "--size", "tiny", "--json", "demo.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "demo.json").read_text())
    assert [row["variant"] for row in rows if row["equal"] is not True] == []
    compiled = {row["program"] for row in rows if "hasten.njit" in row["variant"]}
    assert len(compiled) == len(PROGRAMS) - 4  # waiting, and what pools of processes do, is not compiled


def test_the_command_writes_json_html_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, page = tmp_path / "demo.json", tmp_path / "demo.html"
    assert main(["demo", "--size", "tiny", "--json", str(data), "--html", str(page)]) == 0
    rows = json.loads(data.read_text())
    assert {"program", "variant", "median_s", "spread_s", "speedup", "equal"} <= set(rows[0])
    assert len({row["program"] for row in rows}) == len(PROGRAMS)
    assert all(row["equal"] is True and row["median_s"] > 0 and row["spread_s"] >= 0 for row in rows)
    for row in rows:
        plain = next(other for other in rows if other["program"] == row["program"] and other["variant"] == "plain")
        assert row["speedup"] == pytest.approx(plain["median_s"] / row["median_s"])
    chart = (tmp_path / "demo.png").read_bytes()
    assert chart.startswith(b"\x89PNG")
    text = page.read_text()
    embedded = re.search(r'src="data:image/png;base64,([^"]+)"', text)
    assert embedded is not None and base64.b64decode(embedded[1]) == chart
    assert not re.search(r"(?:src|href)=\"?(?:https?:|/)", text)
    shown = capsys.readouterr().out
    assert "recursive Fibonacci" in shown and "not installed" in shown and "run only once" in shown


def test_only_some_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--size", "tiny", "--only", "fibonacci,mandelbrot"]) == 0
    shown = capsys.readouterr().out
    assert "Fibonacci" in shown and "Mandelbrot" in shown and "photograph" not in shown
    assert (tmp_path / "hasten-demo.png").exists()
    assert main(["demo", "--only", "nonsense"]) == 2
    assert "fibonacci" in capsys.readouterr().err


def of_variants(*variants: Variant) -> Program:
    return Program("name", "work", variants, equal, ["a peer"])


def test_a_wrong_result_and_a_failure_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> object:
        raise ValueError("first line\nsecond line")

    made = of_variants(
        Variant("plain", lambda: 1), Variant("wrong", lambda: 2), Variant("broken", fail), Variant("right", lambda: 1)
    )
    result = measure.measure(made, "tiny", lambda variant: None)
    assert [(row.variant, row.equal) for row in result.rows] == [("plain", True), ("wrong", False), ("right", True)]
    assert result.failures == [measure.Failure("name", "broken", "ValueError: first line")]
    report.print_tables(Console(width=100), [result])
    shown = capsys.readouterr().out
    assert "NO" in shown and "broken failed: ValueError: first line" in shown and "a peer" in shown


def test_a_failure_makes_the_command_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made = of_variants(Variant("plain", lambda: 1), Variant("wrong", lambda: 2))
    monkeypatch.setattr(measure, "load", lambda name, size, engines: made)
    assert main(["demo", "--only", "fibonacci"]) == 1


def test_without_matplotlib_there_is_no_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    assert main(["demo", "--size", "tiny", "--only", "fibonacci", "--html", "page.html"]) == 0
    assert "matplotlib is not installed" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["page.html"]


def test_without_a_photograph_the_program_is_shown_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    from hasten.demo import photograph

    monkeypatch.setattr(photograph, "photograph", lambda: None)
    made = photograph.prepare("tiny", {"hasten": INTERPRETER})
    assert made.variants == [] and made.absent == ["matplotlib and pillow"]
    assert measure.measure(made, "tiny", lambda variant: None).rows == []


def test_slow_plain_variants_run_once_and_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(float(tick) for tick in range(1000))
    monkeypatch.setattr(measure, "perf_counter", lambda: next(clock))
    made = of_variants(Variant("plain", lambda: 1), Variant("compiled", lambda: 1, is_compiled=True))
    plain, compiled = measure.measure(made, "full", lambda variant: None).rows
    assert (plain.runs, plain.median_s, plain.first_call_s) == (1, 1.0, None)
    assert (compiled.runs, compiled.median_s, compiled.first_call_s) == (1, 1.0, 1.0)


def test_fast_variants_run_often_after_a_run_that_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(value for tick in range(1000) for value in (tick, tick + 0.001 * (1 + tick % 4)))
    monkeypatch.setattr(measure, "perf_counter", lambda: next(clock))
    row = measure.measure(of_variants(Variant("plain", lambda: 1)), "full", lambda variant: None).rows[0]
    assert row.runs == 9
    assert row.median_s == pytest.approx(0.002)
    assert row.spread_s == pytest.approx(0.002)


def test_results_are_compared() -> None:
    assert equal([1, 2], np.array([1, 2])) and not equal([1, 2], [1, 3]) and not equal([1], [1, 2])
    assert equal_to_rounding([1.0], [1.0 + 1e-12]) and not equal_to_rounding([1.0], [1.0 + 1e-6])
    assert not equal_to_rounding([1.0, 1.0], [1.0])


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.34, "12.3 s"), (0.0456, "45.6 ms"), (1.234e-6, "1.23 us"), (2e-9, "0.002 us"), (1234.0, "1,234 s")],
)
def test_times_for_people(value: float, text: str) -> None:
    assert report.seconds(value) == text


def test_an_engine_compiles_a_copy_that_calls_itself() -> None:
    calls = []

    def count(**options: object) -> Callable[[Any], Any]:
        def wrap(function: Callable[[int], int]) -> Callable[[int], int]:
            def counted(n: int) -> int:
                calls.append(n)
                return function(n)

            return counted

        return wrap

    from hasten.demo import fibonacci

    compiled = Engine("counting", count, count, range).compiled(fibonacci.fibonacci)
    assert compiled(5) == 5
    assert len(calls) == 15
    assert fibonacci.fibonacci(5) == 5 and len(calls) == 15


def test_the_mean_of_random_sums_is_checked() -> None:
    from hasten.demo import sum_by_loops

    made = sum_by_loops.prepare("tiny", {"hasten": INTERPRETER})
    check = next(variant.same for variant in made.variants if variant.same is not None)
    assert check(np.array([49.0, 50.0, 51.0]), None)
    assert not check(np.array([50.0, 50.0, 50.0]), None)
    assert not check(np.array([0.0, 1.0, 2.0]), None)
