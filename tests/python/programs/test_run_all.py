"""What `run_all` and `iter_all` return, and what they take."""

from __future__ import annotations

import contextvars
import inspect
import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import hasten


def test_results_come_in_order_and_are_those_of_subprocess() -> None:
    commands: list[Any] = ["sleep 0.05; echo one; echo two >&2; exit 3", ["/bin/echo", "a b"], Path("/bin/true")]
    results = hasten.run_all(commands, workers=3)
    for command, result in zip(commands, results, strict=True):
        plain = subprocess.run(command, shell=isinstance(command, str), capture_output=True, check=False)
        assert isinstance(result, subprocess.CompletedProcess)
        assert (result.args, result.returncode, result.stdout, result.stderr) == (
            plain.args,
            plain.returncode,
            plain.stdout,
            plain.stderr,
        )
    assert [result.index for result in results] == [0, 1, 2]


def test_results_of_iter_all_come_as_they_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    results = hasten.iter_all(["read line < gate", "true"], workers=2, cwd=tmp_path)
    assert next(results).index == 1
    (tmp_path / "gate").write_text("go\n")
    assert next(results).index == 0
    assert list(results) == []


def test_a_result_comes_while_more_commands_wait_and_none_of_them_ends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    results = hasten.iter_all(["echo ready", *["read line < gate"] * 20], workers=2, cwd=tmp_path)
    assert next(results).stdout == b"ready\n"
    results.close()  # type: ignore[attr-defined]  # a generator


def test_costs_are_measured() -> None:
    code = "x = b'x' * 100_000_000; import time; end = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    (result,) = hasten.run_all([[sys.executable, "-S", "-c", code]])
    assert result.returncode == 0
    assert 0.1 <= result.cpu_time < 10 and result.wall_time >= 0.1
    assert 100_000_000 < result.peak_memory < 300_000_000


def test_at_most_so_many_run_at_a_time(tmp_path: Path) -> None:
    line = "mkdir $0.d || exit 9; sleep 0.02; rmdir $0.d"
    command = ["/bin/sh", "-c", line, str(tmp_path / "lock")]
    assert [one.returncode for one in hasten.run_all([command] * 5, workers=1)] == [0] * 5
    meeting = "touch $0; while ! [ -e $1 ]; do sleep 0.01; done"
    pair = [str(tmp_path / "a"), str(tmp_path / "b")]
    both = [["/bin/sh", "-c", meeting, *names] for names in (pair, pair[::-1])]
    assert [one.returncode for one in hasten.run_all(both, workers=2, timeout=20)] == [0, 0]


def test_text_is_as_subprocess_makes_it() -> None:
    line = r"printf 'a\r\nb\303\244'"
    (result,) = hasten.run_all([line], encoding="utf-8")
    assert result.stdout == subprocess.run(line, shell=True, capture_output=True, encoding="utf-8").stdout == "a\nbä"
    (result,) = hasten.run_all([["cat"]], input="grün", encoding="latin-1")
    assert result.stdout == "grün"
    assert (
        hasten.run_all([r"printf '\377'"], encoding="utf-8", errors="replace")[0].stdout == "\N{REPLACEMENT CHARACTER}"
    )
    with pytest.raises(TypeError, match="text=True"):
        hasten.run_all([["cat"]], input="text")


def test_commands_have_settings_of_their_own(tmp_path: Path) -> None:
    results = hasten.run_all(
        [
            "echo $NAME; pwd; cat",
            {"args": "echo $NAME; pwd; cat", "env": {"NAME": "own"}, "cwd": "/", "input": b"mine"},
            hasten.Command("sleep 60", timeout=0.05),
        ],
        env={"NAME": "common", "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        input=b"ours",
    )
    assert results[0].stdout == f"common\n{tmp_path}\nours".encode()
    assert results[1].stdout == b"own\n/\nmine"
    assert results[2].timed_out


def test_the_environment_is_replaced_whole() -> None:
    shown = hasten.run_all([{"args": ["/usr/bin/env"], "env": {"A": "1"}}, ["/usr/bin/env"]], env={"B": "2"}, text=True)
    assert [one.stdout for one in shown] == ["A=1\n", "B=2\n"]


def test_without_input_there_is_nothing_to_read() -> None:
    assert [one.stdout for one in hasten.run_all([["cat"]] * 3)] == [b""] * 3


def test_programs_are_found_in_the_path_of_their_environment(tmp_path: Path) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert hasten.run_all([["greet"]], env={"PATH": f"/nowhere:{tmp_path}"})[0].stdout == b"found\n"
    assert hasten.run_all([{"args": ["greet"], "env": {"PATH": str(tmp_path)}}])[0].stdout == b"found\n"
    assert hasten.run_all([["./greet"]], cwd=tmp_path)[0].stdout == b"found\n"


def test_output_into_files(tmp_path: Path) -> None:
    results = hasten.run_all(["echo a; echo b >&2", "echo c"], output="file", directory=tmp_path)
    assert [Path(one.stdout).read_text() for one in results] == ["a\n", "c\n"]
    assert Path(results[0].stderr).read_text() == "b\n"
    assert Path(results[0].stdout).parent == tmp_path


def test_output_that_is_passed_on() -> None:
    code = "import hasten; assert hasten.run_all(['echo seen'], output='pass')[0].stdout is None"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert shown.stdout == b"seen\n"


def test_retries_until_it_works(tmp_path: Path) -> None:
    line = "echo x >> tries; [ $(wc -l < tries) -ge 3 ]"
    (result,) = hasten.run_all([line], cwd=tmp_path, retries=5)
    assert (result.returncode, result.attempts) == (0, 3)
    (result,) = hasten.run_all(["exit 4"], retries=2)
    assert (result.returncode, result.attempts) == (4, 3)


def test_check_raises_the_first_failure_and_ends_the_rest(tmp_path: Path) -> None:
    commands = ["touch started; sleep 60; touch late", "while ! [ -e started ]; do sleep 0.01; done; exit 3"]
    with pytest.raises(subprocess.CalledProcessError) as failure:
        hasten.run_all([*commands, *["touch late"] * 20], workers=2, cwd=tmp_path, check=True)
    assert failure.value.returncode == 3 and failure.value.cmd == commands[1]
    assert not (tmp_path / "late").exists()
    with pytest.raises(subprocess.TimeoutExpired):
        hasten.run_all(["sleep 60"], timeout=0.01, check=True)
    with pytest.raises(FileNotFoundError):
        hasten.run_all([["no-such-program"]], check=True)


def test_a_lazy_input_is_taken_as_needed() -> None:
    taken = itertools.count()
    results = hasten.iter_all((f"echo {number}" for number in taken), workers=2)
    seen = [next(results).stdout for _ in range(20)]
    results.close()  # type: ignore[attr-defined]  # a generator
    assert len(set(seen)) == 20
    assert next(taken) < 200


def test_a_command_starts_before_the_next_one_is_known(tmp_path: Path) -> None:
    def commands():
        yield f"touch {tmp_path}/started"
        while not (tmp_path / "started").exists():
            time.sleep(0.005)
        yield "true"

    assert len(list(hasten.iter_all(commands(), workers=2))) == 2


def test_results_come_while_the_next_command_is_awaited() -> None:
    seen = threading.Event()

    def commands():
        yield "echo first"
        assert seen.wait(20)
        yield "echo second"

    results = hasten.iter_all(commands(), workers=2)
    assert next(results).stdout == b"first\n"
    seen.set()
    assert [one.stdout for one in results] == [b"second\n"]


def test_the_input_is_taken_in_the_context_of_the_caller() -> None:
    name = contextvars.ContextVar("name", default="nobody")
    name.set("caller")
    assert [one.stdout for one in hasten.iter_all(f"echo {name.get()}" for _ in range(2))] == [b"caller\n"] * 2


def test_nothing_is_taken_after_the_end_and_nothing_stays_open() -> None:
    gate, taken = threading.Event(), []

    def commands():
        yield "echo first"
        gate.wait(20)
        for number in itertools.count():
            taken.append(number)
            yield "true"

    list(hasten.iter_all(f"echo {number}" for number in range(3)))
    files = os.listdir("/proc/self/fd")
    results = hasten.iter_all(commands(), workers=1)
    next(results)
    (thread,) = (one for one in threading.enumerate() if one.name == "hasten-input")
    results.close()  # type: ignore[attr-defined]  # a generator
    gate.set()
    thread.join(20)
    assert len(taken) <= 1 and os.listdir("/proc/self/fd") == files


def test_both_calls_have_the_same_parameters() -> None:
    shown = inspect.signature(hasten.run_all)
    assert shown.parameters == inspect.signature(hasten.iter_all).parameters
    assert shown.return_annotation == "list[CompletedProgram]"


def test_an_input_that_raises_ends_what_runs(tmp_path: Path) -> None:
    def commands():
        yield f"echo $$ > {tmp_path}/pid; sleep 60"
        while not (tmp_path / "pid").exists():
            yield "true"
        raise KeyError("input")

    with pytest.raises(KeyError, match="input"):
        list(hasten.iter_all(commands(), workers=2))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(hasten.run_all(["true"] * 3, progress=True)) == 3
    assert "3/3" in capsys.readouterr().err


def test_nothing_to_run() -> None:
    assert hasten.run_all([]) == []


@pytest.mark.parametrize(
    ("commands", "options", "error", "message"),
    [
        ([[]], {}, ValueError, "needs the name of a program"),
        ([["a\0b"]], {}, ValueError, "null byte"),
        ([7], {}, TypeError, "a command is a string"),
        ("echo one", {}, TypeError, "'echo one' is one command; put it in a list"),
        ({"args": "true"}, {}, TypeError, "is one command"),
        ([["sleep", 1]], {}, TypeError, "1: an argument of a program is text"),
        (["true"], {"input": 7}, TypeError, "input=7"),
        (["true"], {"env": {"A": 7}}, TypeError, "7: the environment variable 'A' is text"),
        (["true"], {"timeout": "1"}, ValueError, "timeout='1'"),
        (["true"], {"worker": 1}, TypeError, "unexpected keyword argument 'worker'"),
        ([None, "true"], {}, TypeError, "a command is a string"),
        ([{"args": "true", "shell": True}], {}, ValueError, "no setting 'shell'"),
        ([{"cwd": "/"}], {}, ValueError, "needs 'args'"),
        (["true"], {"workers": 0}, ValueError, "workers=0"),
        (["true"], {"timeout": -1}, ValueError, "timeout=-1"),
        (["true"], {"retries": -1}, ValueError, "retries=-1"),
        (["true"], {"output": "tee"}, ValueError, "output='tee'"),
        (["true"], {"directory": "/tmp"}, ValueError, "output='file'"),
        (["true"], {"env": {"a=b": "c"}}, ValueError, "without '='"),
    ],
)
def test_what_makes_no_sense_is_refused(commands, options, error, message) -> None:
    with pytest.raises(error, match=message):
        hasten.run_all(commands, **options)


def test_it_is_part_of_the_drop_in() -> None:
    from hasten import subprocess as drop_in

    assert drop_in.run_all is hasten.run_all and drop_in.iter_all is hasten.iter_all
    assert drop_in.run is subprocess.run


def test_it_works_in_a_program_that_hasten_runs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import subprocess\nprint(subprocess.run_all(['echo it works'], text=True)[0].stdout)\n")
    shown = subprocess.run([sys.executable, "-m", "hasten", "run", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "it works\n\n"
