"""``hasten bench``: measuring a call of a user's function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hasten.cli import main
from hasten.demo import program

SCRIPT = """
import numpy as np

FACTOR = 3


def scaled_sum(x, times=1):
    return FACTOR * times * float(x.sum())


class Compiled:
    def __init__(self, function):
        self.py_func = function


wrapped = Compiled(scaled_sum)

if __name__ == "__main__":
    raise SystemExit("was run")
"""


def decorator(**options: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return lambda function: function


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    engine = program.Engine("hasten", decorator, decorator, range)
    monkeypatch.setattr(program, "find_engines", lambda: {"hasten": engine, "numba": None})
    path = tmp_path / "bench_me.py"
    path.write_text(SCRIPT)
    return str(path)


@pytest.mark.parametrize("function", ["scaled_sum", "wrapped"])
def test_a_call_is_measured_in_every_way(
    script: str, function: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "times.json"
    assert main(["bench", script, f"{function}(np.ones(FACTOR), times=2)", "--json", str(data)]) == 0
    rows = json.loads(data.read_text())
    assert [row["variant"] for row in rows] == ["plain", "hasten.jit", "hasten.njit", "hasten.njit(parallel=True)"]
    assert all(row["equal"] for row in rows)
    shown = capsys.readouterr().out
    assert "scaled_sum" in shown and "numba" in shown


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("scaled_sum", "not a call"),
        ("np.sum(1)", "not a call of a function by its name"),
        ("scaled_sum(", "is not an expression"),
        ("missing(1)", "no function missing"),
        ("FACTOR(1)", "no function FACTOR"),
    ],
)
def test_what_is_not_a_call_is_refused(
    script: str, call: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", script, call]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "missing.py", "f()"]) == 2
    assert "no file missing.py" in capsys.readouterr().err
