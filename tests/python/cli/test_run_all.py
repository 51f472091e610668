"""``hasten run-all``."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hasten.cli import main


@pytest.fixture
def run(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    """Run the command on lines; return its status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(lines: str, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines.encode())))
        status = main(["run-all", *options])
        shown = capfdbinary.readouterr()
        return status, shown.out.decode(), shown.err.decode()

    return call


def test_lines_are_commands_and_the_status_counts_failures(run) -> None:
    status, out, err = run("echo one\n\n# a comment\necho two >&2; exit 3\nfalse\n", "-j", "2", "-k")
    assert (status, out, err) == (2, "one\n", "two\n")


def test_output_in_order(run) -> None:
    lines = "while ! [ -e gate ]; do sleep 0.01; done; echo first\necho second; touch gate\n"
    assert run(lines, "-j", "2", "-k")[1] == "first\nsecond\n"
    lines = "while ! [ -s pid ] || kill -0 $(cat pid); do sleep 0.01; done 2> /dev/null; echo first\n"
    lines += "echo $$ > pid; echo second\n"
    assert run(lines, "-j", "2")[1] == "second\nfirst\n"


def test_commands_between_null_bytes(run) -> None:
    assert run("echo 'a\nb'\0echo c\0", "-0", "-j", "1") == (0, "a\nb\nc\n", "")


def test_commands_from_a_file_and_output_passed_on(run, tmp_path: Path) -> None:
    (tmp_path / "commands").write_text("echo from a file\n")
    assert run("", "-u", "commands")[:2] == (0, "from a file\n")
    assert run("", "no-such-file")[0] == 255


def test_the_status_of_many_failures(run) -> None:
    assert run("false\n" * 120, "-j", "8")[0] == 101


def test_time_limits_retries_and_halt(run) -> None:
    assert run("sleep 60\n", "--timeout", "0.1")[0] == 1
    assert run("echo x >> tries; [ $(wc -l < tries) -ge 2 ]\n", "--retries", "3")[0] == 0
    assert run("exit 1\nsleep 60\n", "-j", "2", "--halt", "now,fail=1")[0] == 1


def test_the_joblog_lets_a_run_go_on(run) -> None:
    lines = "echo a\nexit 3\necho a\necho b\n"
    assert run("echo a\nexit 3\n", "--joblog", "log", "-j", "1")[0] == 1
    head, first, second = Path("log").read_text().splitlines()
    assert head.split("\t")[0::6] == ["Seq", "Exitval"]
    assert first.split("\t")[6:] == ["0", "0", "echo a"] and second.split("\t")[6:] == ["3", "0", "exit 3"]
    with open("log", "a") as log:
        log.write("3\t:\t17")  # the machine went down in the middle of a line
    assert run(lines, "--joblog", "log", "--resume", "-j", "1") == (0, "a\nb\n", "")
    assert len(Path("log").read_text().splitlines()) == 5
    assert run(lines, "--joblog", "log", "--resume", "-j", "1") == (0, "", "")
    assert run(lines, "--joblog", "log", "--resume-failed", "-j", "1") == (1, "", "")


def test_without_resume_the_joblog_begins_anew(run) -> None:
    for _ in range(2):
        run("echo a\n", "--joblog", "log")
    assert len(Path("log").read_text().splitlines()) == 2


def test_resume_needs_a_joblog(run) -> None:
    status, _, err = run("true\n", "--resume")
    assert status == 255 and "--joblog" in err


def test_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hasten", "run-all"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command, cwd=tmp_path, **pipes)  # type: ignore[call-overload]
    assert running.stdin
    running.stdin.write(b"echo $$ > pid.new; mv pid.new pid; exec sleep 60\n")
    running.stdin.close()
    end = time.monotonic() + 20
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert b"interrupted" in running.stderr.read()
    assert running.wait() == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
