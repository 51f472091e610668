"""The inside of ./dev: stamps, installed files, what the machine lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.python.tools.loading import ROOT, load_tool

shell = load_tool("tools/dev/shell.py")
machine = load_tool("tools/dev/machine.py")
environment = load_tool("tools/dev/environment.py")
engine = load_tool("tools/dev/engine.py")
lint = load_tool("tools/dev/lint.py")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_stamp_is_current_only_for_the_digest_that_was_written(tmp_path: Path) -> None:
    stamp = shell.Stamp(tmp_path / "deep" / "stamp", "one")
    assert not stamp.is_current()
    stamp.write()
    assert stamp.is_current()
    assert not shell.Stamp(stamp.path, "two").is_current()


def test_digest_sees_names_contents_and_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "ROOT", tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("content")
    digests = [shell.digest_of([first]), shell.digest_of([first], "fact")]
    first.rename(second)
    digests.append(shell.digest_of([second]))
    second.write_text("other")
    digests.append(shell.digest_of([second]))
    assert len(set(digests)) == 4


def test_installed_package_follows_its_source(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source / "__init__.py", "new")
    write(source / "cli" / "main.py", "new")
    write(source / "__pycache__" / "x.pyc", "cached")
    write(source / "_core.so", "linked here by hand")
    write(target / "__init__.py", "old")
    write(target / "gone.py", "old")
    write(target / "_core.so", "engine")
    engine.bring_up_to_date(source, target)
    installed = {file.relative_to(target).as_posix(): file.read_text() for file in target.rglob("*") if file.is_file()}
    assert installed == {"__init__.py": "new", "cli/main.py": "new", "_core.so": "engine"}


def test_a_missing_part_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    part = machine.Part("a thing of great use", "libthing-dev")
    with pytest.raises(shell.Failed, match="sudo apt-get install libthing-dev"):
        machine.provide([part])


def test_a_part_that_is_only_convenient_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    machine.provide([machine.Part("quick builds", "ccache", needed=False)])
    assert "lacks quick builds" in capsys.readouterr().out


def test_the_lists_of_packages_name_what_a_build_needs() -> None:
    names = " ".join(environment.requirements("build"))
    assert all(name in names for name in ("nanobind", "mlc-llvm-static", "numpy", "cloudpickle", "cmake"))
    assert any(name.startswith("clang-tidy==") for name in environment.requirements("lint"))


def test_tidy_sees_a_change_in_a_header_of_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    source = tmp_path / "src/hasten/base/a.cpp"
    write(source, '#include "hasten/base/b.h"\n#include <vector>\n')
    write(tmp_path / "src/hasten/base/b.h", '#include "hasten/base/c.h"\n')
    write(tmp_path / "src/hasten/base/c.h", '#include "hasten/base/b.h"\n')
    assert {file.name for file in lint.with_own_headers(source, set())} == {"a.cpp", "b.h", "c.h"}


def test_an_unknown_verb_gets_the_list_of_verbs() -> None:
    done = subprocess.run([ROOT / "dev", "dance"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    for verb in ("demo", "test", "build", "python", "hasten", "bench", "lint", "fuzz", "sanitize", "docs", "clean"):
        assert f"\n  {verb} " in done.stderr


def test_a_python_that_is_none_is_refused(tmp_path: Path) -> None:
    command = ["env", f"HASTEN_PYTHON={tmp_path / 'none'}", str(ROOT / "dev"), "build"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a Python of version 3.11 or newer" in done.stderr
