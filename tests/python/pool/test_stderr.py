"""What workers write to stderr: it appears where it did, and the end of it is in the report of a death."""

import ctypes
import faulthandler
import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hasten._pool.errors import WorkerDied

import hasten

METHODS = ["fork", "spawn", "forkserver", "template"]


def write_to(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode())


def write_and_die(text: str) -> None:
    os.write(2, text.encode())
    os.kill(os.getpid(), signal.SIGKILL)


def complain_and_leave() -> None:
    print("no such licence", file=os.fdopen(2, "w", closefd=False), flush=True)
    os._exit(3)


def crash_with_a_dump() -> None:
    faulthandler.enable(2)
    ctypes.string_at(0)


def say_by_a_child(text: str) -> None:
    subprocess.run([sys.executable, "-c", f"import sys; sys.stderr.write({text!r})"], check=True)


def leave_a_child_behind(folder: str) -> int:
    """Start a process that holds this one's stderr until somebody closes its stdin, and writes to it then."""
    code = "import sys; sys.stdin.read(); sys.stderr.write('late\\n')"
    os.mkfifo(f"{folder}/gate")
    child = subprocess.Popen(["sh", "-c", f'exec "$0" -c "$1" < "{folder}/gate"', sys.executable, code])
    return child.pid


@pytest.fixture(params=METHODS)
def pool(request: pytest.FixtureRequest) -> Iterator[Any]:
    with hasten.get_context(request.param).Pool(1) as made:
        yield made


def test_a_death_tells_the_last_lines(pool: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert pool.apply(abs, (-1,)) == 1
    lines = [f"line {i}\n" for i in range(2000)]
    with pytest.raises(WorkerDied) as caught:
        pool.apply(write_and_die, ("".join(lines),))
    assert "".join(lines).endswith("\n" + caught.value.stderr)
    assert 16_000 < len(caught.value.stderr) <= 16_384
    message = str(caught.value)
    assert message.endswith("\n    line 1998\n    line 1999") and "\n    line 1900" not in message
    assert capfd.readouterr().err == "".join(lines)


def test_a_death_in_silence_has_no_last_lines(pool: Any) -> None:
    with pytest.raises(WorkerDied) as caught:
        pool.apply(os._exit, (4,))
    assert caught.value.stderr == ""
    assert str(caught.value).endswith("with exit status 4")


def test_what_a_crash_dumps_is_told(pool: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkerDied, match="Fatal Python error: Segmentation fault"):
        pool.apply(crash_with_a_dump)
    assert "Fatal Python error: Segmentation fault" in capfd.readouterr().err


def test_each_worker_has_lines_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with hasten.Pool(2) as made:
        results = made.map(write_and_die, ["one\n", "two\n", "three\n"], chunksize=1, on_error="return")
    assert [error.stderr for error in results] == ["one\n", "two\n", "three\n"]
    assert sorted(capfd.readouterr().err.split()) == ["one", "three", "two"]


def test_an_initializer_that_fails_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with hasten.Pool(1, complain_and_leave) as made, pytest.raises(WorkerDied, match="no such licence"):
        made.apply(abs, (1,))
    assert "no such licence" in capfd.readouterr().err


class Unreadable:
    """Can be unpickled by nobody."""

    def __reduce__(self) -> Any:
        return refuse, ()


def refuse() -> None:
    raise ValueError("no such key")


@pytest.mark.parametrize("method", ["spawn", "forkserver", "template"])
def test_arguments_that_cannot_be_unpickled_say_why(method: str, capfd: pytest.CaptureFixture[str]) -> None:
    made = hasten.get_context(method).Pool(1, print, (Unreadable(),))
    with made, pytest.raises(WorkerDied, match="ValueError: no such key"):
        made.apply(abs, (1,))
    assert "ValueError: no such key" in capfd.readouterr().err


MAIN_FAILS = """
import hasten
from hasten.errors import WorkerDied
if __name__ != "__main__":
    raise ValueError("not in a worker")
if __name__ == "__main__":
    with hasten.get_context("spawn").Pool(1) as pool:
        try:
            pool.apply(abs, (1,))
        except WorkerDied as error:
            print(error)
"""


def test_a_main_module_that_fails_in_a_spawned_worker_says_why(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(MAIN_FAILS)
    command = [sys.executable, str(script)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("ValueError: not in a worker\n"), done
    assert "ValueError: not in a worker" in done.stderr


def test_lines_come_before_the_result_that_follows_them(capfd: pytest.CaptureFixture[str]) -> None:
    with hasten.Pool(1) as made:
        for i in range(100):
            made.apply(write_to, (2, f"worker {i}\n"))
            os.write(2, f"parent {i}\n".encode())
    assert capfd.readouterr().err == "".join(f"worker {i}\nparent {i}\n" for i in range(100))


def test_children_of_workers_write_there_too(capfd: pytest.CaptureFixture[str]) -> None:
    with hasten.Pool(1) as made:
        made.apply(say_by_a_child, ("from a child",))
    assert capfd.readouterr().err == "from a child"


def test_nothing_waits_for_children_that_outlive_their_worker(tmp_path: Path) -> None:
    text = f"""
    import os, select, time, hasten
    from hasten._core import PoolEngine
    from tests.python.pool.test_stderr import leave_a_child_behind
    with hasten.Pool(1) as pool:
        child = os.pidfd_open(pool.apply(leave_a_child_behind, ({str(tmp_path)!r},)))
    open({str(tmp_path / "gate")!r}, "w").close()
    select.select([child], [], [])
    while PoolEngine.is_stderr_behind():
        time.sleep(0.001)
    """
    assert run(text).stderr == b"late\n"


def run(text: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", textwrap.dedent(text)]
    options = {"stderr": subprocess.PIPE, **options}
    return subprocess.run(command, cwd=Path(__file__).parents[3], check=True, timeout=60, **options)


WRITER = """
import os, sys, hasten
def write(text):
    os.write(2, text.encode())
    print(os.isatty(2), file=sys.stderr)
with hasten.Pool(1) as pool:
    pool.apply(write, ("a\\n",))
"""


def test_a_redirected_stderr_is_followed(tmp_path: Path) -> None:
    with open(tmp_path / "log", "wb") as log:
        run(WRITER, stderr=log)
    assert (tmp_path / "log").read_bytes() == b"a\nFalse\n"


def test_a_terminal_stays_one() -> None:
    ours, theirs = pty.openpty()
    try:
        run(WRITER, stderr=theirs)
        assert os.read(ours, 100) == b"a\r\nTrue\r\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_program_without_stderr_has_pools() -> None:
    text = """
    import os
    os.close(2)
    import hasten
    with hasten.Pool(1) as pool:
        print(pool.apply(abs, (-1,)))
    """
    assert run(text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout == b"1\n"


def test_who_does_not_read_stderr_stops_no_results() -> None:
    ours, theirs = os.pipe()
    text = """
    import os, hasten
    with hasten.Pool(2) as pool:
        flood = pool.apply_async(os.write, (2, b"x" * 1_000_000))
        print(pool.map(abs, range(3)), flood.ready())
    """
    try:
        assert run(text, stdout=subprocess.PIPE, stderr=theirs).stdout == b"[0, 1, 2] False\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_descriptors_do_not_add_up() -> None:
    with hasten.Pool(1) as made:
        made.map(os._exit, [1] * 3, chunksize=1, on_error="return")
        before = len(os.listdir("/proc/self/fd"))
        made.map(os._exit, [1] * 20, chunksize=1, on_error="return")
        assert len(os.listdir("/proc/self/fd")) <= before + 2
