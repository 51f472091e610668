"""The machinery of the benchmarks: comparing in turn, throwing disturbed rounds away, judging bounds."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("_measure")
    monkeypatch.setattr(module, "SHORTEST_ROUND", 0.0001)
    yield module
    sys.modules.pop("_measure")


def with_load(measure: Any, monkeypatch: pytest.MonkeyPatch, loads: list[float]) -> None:
    """Let others use that many cores in each round."""
    remaining = iter(loads)
    monkeypatch.setattr(measure, "_round", lambda contenders: (load := next(remaining), {"one": 1.0 + load}))


def test_disturbed_rounds_are_discarded(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_load(measure, monkeypatch, [0.0, 0.9, 0.05, 0.5, 0.02])
    compared = measure.compare({"one": None}, rounds=3)
    assert compared.samples["one"].seconds == [1.0, 1.02, 1.05]
    assert (compared.rounds, compared.discarded, compared.foreign) == (3, 2, 0.05)
    assert measure.verdict(measure.row("subject", compared, "bound", True)) == "met"


def test_a_machine_that_is_never_quiet_is_named(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_load(measure, monkeypatch, [0.9, 0.5, 0.7, 0.6])
    compared = measure.compare({"one": None}, rounds=2)
    assert compared.foreign == 0.6
    assert compared.samples["one"].seconds == [1.5, 1.6]
    row = measure.row("subject", compared, "bound", True)
    assert row.is_disturbed and "disturbed" in measure.verdict(row)


def test_contenders_take_turns(measure: Any) -> None:
    order: list[str] = []

    def contender(name: str) -> Any:
        def sample() -> float:
            order.append(name)
            return float(len(order))

        return sample

    compared = measure.compare({"a": contender("a"), "b": contender("b")}, rounds=2)
    assert order[:4] == ["a", "b", "a", "b"]
    assert compared.ratio("b", "a") > 1
    assert compared.ratio("a", "missing") is None


def test_the_load_of_others_is_seen(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = iter([10.0, 12.0])
    own = iter([1.0, 1.5])
    clock = iter([0.0, 3.0])
    monkeypatch.setattr(measure, "_busy_seconds", lambda: next(busy))
    monkeypatch.setattr(measure, "_own_seconds", lambda: next(own))
    monkeypatch.setattr(measure, "perf_counter", lambda: next(clock))
    assert measure._round({"one": lambda: 2.0}) == (0.5, {"one": 2.0})


def test_the_time_of_living_descendants_counts_as_own(measure: Any) -> None:
    # The shell waits for a child of its own that has used the processor, then stays.
    grandchild = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass'; echo done; read line"
    before = measure._own_seconds()
    with subprocess.Popen(["sh", "-c", grandchild], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None and shell.stdout.readline() == "done\n"
        assert shell.pid in measure.descendants(os.getpid())
        assert measure._own_seconds() - before >= 0.25
        shell.communicate("\n")
    assert measure._own_seconds() - before >= 0.25
    assert measure.process_seconds(shell.pid) == 0.0


def test_statements_are_timed(measure: Any) -> None:
    sample = measure.timed("f()", 0.0001, f=lambda: sum(range(1000)))
    assert 1e-6 < sample() < 1e-2


def test_bounds_are_judged(measure: Any) -> None:
    assert measure.at_most(1.0, 1.0) and not measure.at_most(1.1, 1.0) and measure.at_most(None, 1.0) is None
    assert measure.at_least(1.0, 1.0) and not measure.at_least(0.9, 1.0) and measure.at_least(None, 1.0) is None
    assert measure.show(1.5e-9) == "1.5 ns" and measure.show(0.025) == "25 ms" and measure.show(12.0) == "12 s"
    assert measure.times(2.0) == "2.00x"


def test_every_benchmark_is_in_the_table(measure: Any) -> None:
    table = importlib.import_module("table")
    # Two are for the manual: they compare the kinds of pools with each other, and calls of MPI.
    scripts = {path.stem for path in FOLDER.glob("[!_]*.py")} - {"table", "break_even", "mpi_calls"}
    assert set(table.BENCHMARKS) == scripts
    for name in table.BENCHMARKS:
        assert callable(importlib.import_module(name).rows)


def test_a_benchmark_that_fails_is_a_missed_row(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = importlib.import_module("table")
    monkeypatch.setattr(table, "HERE", Path("nowhere"))
    (row,) = table.run("import_time")
    assert row.is_met is False and "failed" in row.figures


def test_the_kernels_compute_something(measure: Any) -> None:
    kernels = importlib.import_module("_kernels")
    for function, arguments in (*kernels.loop_kernels().values(), *kernels.statement_functions().values()):
        result = function(*arguments)
        values = arguments[-1] if result is None else result
        assert kernels.np.isfinite(values).all() and kernels.np.any(values)


def test_a_fresh_process_reports_as_json() -> None:
    command = [sys.executable, str(FOLDER / "_fresh.py"), "import", "hasten"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["import"] > 0
