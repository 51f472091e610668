"""The command line apart from ``run``: help, cache, doctor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hasten._cache_directory import cache_directory
from hasten.cli import main
from hasten.cli.cache import human_bytes
from hasten.cli.doctor import Finding, examine

import hasten


def test_without_a_command_it_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert "hasten run script.py" in shown and "from hasten import njit" in shown


@pytest.mark.parametrize("command", ["run", "run-all", "demo", "bench", "cache", "doctor"])
def test_each_command_has_help_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main([command, "--help"])
    assert ending.value.code == 0
    shown = capsys.readouterr().out
    assert f"hasten {command}" in shown and "examples:" in shown


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["no-such-command"])
    assert ending.value.code == 2
    assert "no-such-command" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["run"], ["run", "-m"], ["run", "--wrong", "x.py"]])
def test_run_without_a_program_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as ending:
        status = ending.code
    assert status == 2
    assert capsys.readouterr().err


def test_the_module_is_the_command() -> None:
    shown = subprocess.run([sys.executable, "-m", "hasten", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("hasten ")


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m hasten doctor --json | head -c 1"
    shown = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert shown.stderr == ""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "store"
    monkeypatch.setenv("HASTEN_CACHE_DIR", str(directory))
    directory.mkdir()
    for index in range(3):
        entry = directory / (f"{index:032x}.v1")
        entry.write_bytes(bytes(1000 * index))
        os.utime(entry, (0, 86400 * 365 * index + 43200))
    (directory / ("part-" + 32 * "0")).write_bytes(b"half")
    (directory / "README").write_text("mine")
    return directory


def test_cache_path(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "path"]) == 0
    assert capsys.readouterr().out == f"{store}\n"


def test_cache_list_shows_the_youngest_first(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0][-1] for line in lines[:3]] == ["2", "1", "0"]
    assert lines[0].endswith("2.0 kB  used 1972-01-01")
    assert lines[3] == f"3 entries, 3.0 kB in {store}"


def test_cache_clear_leaves_what_is_not_ours(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "clear"]) == 0
    assert [file.name for file in store.iterdir()] == ["README"]
    assert capsys.readouterr().out == f"3 entries removed from {store}\n"


def test_results_of_cached_functions_are_shown_and_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HASTEN_CACHE_DIR", str(tmp_path))
    kept = hasten.cache(disk=True)(str.upper)
    kept("a"), kept("b")
    assert main(["cache"]) == 0
    size = sum(path.stat().st_size for path in (tmp_path / "results").rglob("*.r1"))
    assert f"2 results of cached functions, {size} bytes in {tmp_path}/results" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"2 entries removed from {tmp_path}\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert hasten.cache(disk=True)(str.upper)("a") == "A"


def test_cache_without_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HASTEN_CACHE_DIR", str(tmp_path / "nowhere"))
    assert main(["cache", "list"]) == 0
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"0 entries, 0 bytes in {tmp_path}/nowhere"
    assert not (tmp_path / "nowhere").exists()


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASTEN_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_directory() == Path("/elsewhere/hasten")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_directory() == Path.home() / ".cache" / "hasten"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2.5e12, "2500.0 GB")]
)
def test_sizes_for_people(count: float, text: str) -> None:
    assert human_bytes(count) == text


def topics(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.topic: finding for finding in findings}


def test_doctor_names_versions_and_what_names_stand_on() -> None:
    found = topics(examine())
    assert sys.executable in found["Python"].value
    assert "usable" in found["cores"].value
    assert "Pool" in found["own names"].value.split()
    assert "Lock" in found["stdlib's for now"].value.split()
    assert "threading" in found["drop-ins"].value.split()


def test_doctor_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setitem(sys.modules, "hasten._core", None)
    found = topics(examine())
    assert found["OPENBLAS_CORETYPE"].remedy.startswith("unset it")
    assert found["engine"].is_fatal and "pip" in found["engine"].remedy


def test_doctor_status_and_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "hasten._core", None)
    assert main(["doctor", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {"topic", "value", "remedy", "is_fatal"} == set(rows[0])
    assert main(["doctor"]) == 1
    assert "->" in capsys.readouterr().out
