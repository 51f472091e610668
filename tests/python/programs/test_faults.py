"""Programs that misbehave, and processes that are interrupted: nothing hangs, nothing is left, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hasten

# Ignores SIGTERM, as the processes below it do.
STUBBORN = "trap '' TERM; echo $$ >> pids; sleep 60 & echo $! >> pids; wait; wait"


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def pids_in(folder: Path, count: int) -> list[int]:
    """Wait for the numbers of so many processes in the file ``pids``."""
    file = folder / "pids"
    wait_until(lambda: file.exists() and file.read_text().count("\n") >= count)
    return [int(line) for line in file.read_text().split()]


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


def test_a_command_that_ignores_sigterm_is_killed_with_its_tree(tmp_path: Path) -> None:
    (result,) = hasten.run_all([STUBBORN], cwd=tmp_path, timeout=0.2)
    assert result.timed_out and result.returncode == -signal.SIGKILL
    assert not any(map(is_alive, pids_in(tmp_path, 2)))


def test_a_command_may_end_on_sigterm_by_itself() -> None:
    (result,) = hasten.run_all(["trap 'echo bye; exit 5' TERM; sleep 60 & wait"], timeout=0.2)
    assert result.timed_out and result.returncode == 5 and result.stdout == b"bye\n"


def test_a_grandchild_in_a_session_of_its_own_is_ended(tmp_path: Path) -> None:
    line = "setsid sh -c 'echo $$ >> pids; sleep 60' & setsid setsid sh -c 'echo $$ >> pids; sleep 60' & wait"
    (result,) = hasten.run_all([line], cwd=tmp_path, timeout=0.3)
    assert result.timed_out
    assert not any(map(is_alive, pids_in(tmp_path, 2)))


def test_an_orphan_in_a_session_of_its_own_is_ended(tmp_path: Path) -> None:
    # Its parent has ended when the time is over: nothing but the pipe that it holds tells whose it is.
    line = "(setsid sh -c 'echo $$ >> pids; exec sleep 60' &) ; sleep 60"
    (result,) = hasten.run_all([line], cwd=tmp_path, timeout=0.3)
    assert result.timed_out
    assert not any(map(is_alive, pids_in(tmp_path, 1)))


def test_without_kill_tree_only_the_command_itself_is_ended(tmp_path: Path) -> None:
    line = "sleep 60 > /dev/null 2>&1 & echo $! >> pids; wait"
    (result,) = hasten.run_all([line], cwd=tmp_path, timeout=0.2, kill_tree=False)
    assert result.timed_out and result.returncode == -signal.SIGTERM
    (left,) = pids_in(tmp_path, 1)
    assert is_alive(left)
    os.kill(left, signal.SIGKILL)


@pytest.mark.parametrize("kill_tree", [True, False])
def test_a_grandchild_that_holds_the_pipe_holds_nobody_up(tmp_path: Path, kill_tree: bool) -> None:
    line = "sleep 60 & echo $! >> pids; echo before"
    (result,) = hasten.run_all([line], cwd=tmp_path, kill_tree=kill_tree)
    assert (result.returncode, result.stdout, result.timed_out) == (0, b"before\n", False)
    (left,) = pids_in(tmp_path, 1)
    assert is_alive(left) is not kill_tree
    if not kill_tree:
        os.kill(left, signal.SIGKILL)


def test_what_is_written_shortly_after_the_end_is_captured() -> None:
    assert hasten.run_all(["(sleep 0.1; echo late) & echo first"])[0].stdout == b"first\nlate\n"


def test_a_daemon_that_closed_its_output_lives_on(tmp_path: Path) -> None:
    line = "setsid sleep 60 > /dev/null 2>&1 & echo $! >> pids"
    assert hasten.run_all([line], cwd=tmp_path)[0].returncode == 0
    (daemon,) = pids_in(tmp_path, 1)
    assert is_alive(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_much_output_on_both_streams() -> None:
    size = 20_000_000
    line = f"head -c {size} /dev/zero >&2 & head -c {size} /dev/zero; wait"
    for result in hasten.run_all([line] * 2, workers=2):
        assert (len(result.stdout), len(result.stderr)) == (size, size)


def test_a_reader_that_waits_holds_the_commands_up_but_loses_nothing() -> None:
    size = 3_000_000
    results = hasten.iter_all([f"head -c {size} /dev/zero"] * 12, workers=2)
    first = next(results)
    time.sleep(0.1)  # the others fill every buffer on the way
    assert [len(result.stdout) for result in (first, *results)] == [size] * 12


def server_of(results: Iterator[Any], before: set[str]) -> int:
    """Return the process that runs the commands of a call, after its first result."""
    next(results)
    (guardian,) = map(int, children() - before)
    return below(guardian)[0]


def most_memory(pid: int) -> int:
    """Return how many bytes a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def written_below(pid: int) -> int:
    """Return how many bytes the children of a process have written."""
    total = 0
    for child in below(pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{child}/io").read_text().partition("wchar:")[2].split()[0])
    return total


def test_commands_wait_for_a_reader_that_does_not_come() -> None:
    before = children()
    results = hasten.iter_all(["true", ["cat", "/dev/zero"], ["yes"], "exec yes >&2"], workers=3)
    server = server_of(results, before)
    seen = [0]
    while seen[-1] < 1_000_000 or seen[-30:] != [seen[-1]] * 30:  # until nobody writes any more
        time.sleep(0.01)
        seen.append(written_below(server))
        assert most_memory(server) < 30_000_000
    results.close()  # type: ignore[attr-defined]  # a generator


def test_a_reader_that_is_always_late_does_not_make_the_server_grow() -> None:
    before = children()
    results = hasten.iter_all(["true", *["head -c 1000000 /dev/zero"] * 200], workers=4)
    server = server_of(results, before)
    count = 0
    for result in results:
        assert len(result.stdout) == 1_000_000
        count += 1
        if count < 190:
            time.sleep(0.002)  # while it is away, more comes than it takes at once
            assert most_memory(server) < 30_000_000
    assert count == 200


def test_a_gigabyte_into_a_file(tmp_path: Path) -> None:
    (result,) = hasten.run_all(["head -c 1000000000 /dev/zero"], output="file", directory=tmp_path)
    assert Path(result.stdout).stat().st_size == 1_000_000_000
    assert result.peak_memory < 50_000_000
    Path(result.stdout).unlink()


def test_much_input_to_a_command_that_reads_it_and_to_one_that_does_not() -> None:
    data = bytes(10_000_000)
    results = hasten.run_all([["wc", "-c"], ["true"], "head -c 1 | wc -c"], workers=3, input=data, text=None)
    assert [one.returncode for one in results] == [0, 0, 0]
    assert int(results[0].stdout) == len(data) and int(results[2].stdout) == 1


def test_input_that_nobody_reads_does_not_keep_a_command_from_its_time_limit() -> None:
    (result,) = hasten.run_all(["sleep 60"], input=bytes(1_000_000), timeout=0.1)
    assert result.timed_out


def test_commands_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")
    commands = [["no-such-program"], [str(tmp_path / "data")], {"args": ["true"], "cwd": tmp_path / "nowhere"}, "true"]
    missing, refused, nowhere, fine = hasten.run_all([*commands[:3], {"args": "true"}])
    assert isinstance(missing.error, FileNotFoundError) and missing.error.filename == "no-such-program"
    assert missing.returncode == 127
    assert isinstance(refused.error, PermissionError) and refused.returncode == 126
    assert isinstance(nowhere.error, FileNotFoundError) and nowhere.error.filename == str(tmp_path / "nowhere")
    assert fine.returncode == 0 and fine.error is None


def test_a_folder_for_files_that_is_missing() -> None:
    (result,) = hasten.run_all(["true"], output="file", directory="/nowhere/at/all")
    assert isinstance(result.error, FileNotFoundError) and "/nowhere/at/all" in result.error.filename


def test_no_descriptors_left_means_waiting() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(highest + 6, 24), before[1]))
    try:
        results = hasten.run_all(["sleep 0.05; echo done"] * 40, workers=40)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert [one.stdout for one in results] == [b"done\n"] * 40


def test_commands_inherit_no_descriptors() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        assert hasten.run_all(["ls /proc/self/fd"], input=b"x")[0].stdout.split() == [b"0", b"1", b"2", b"3"]
    finally:
        os.close(reader)
        os.close(writer)


def test_nothing_stays_open_and_no_zombie_behind() -> None:
    hasten.run_all(["true"])
    files, processes = os.listdir("/proc/self/fd"), children()
    hasten.run_all(["true", "(true &)", "exit 3", ["no-such-program"]] * 5, workers=4, input=b"unread")
    results = hasten.iter_all(["sleep 60"] * 3, workers=3, timeout=0.01)
    assert next(results).timed_out
    results.close()  # type: ignore[attr-defined]  # a generator
    assert (os.listdir("/proc/self/fd"), children()) == (files, processes)


def test_signals_are_as_in_a_program_of_its_own() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGPIPE).name, signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    assert hasten.run_all([[sys.executable, "-S", "-c", f"import sys\n{code}"]])[0].returncode == 0
    # A shell's child that dies of a closed pipe does so silently; one that ignores SIGPIPE complains.
    (result,) = hasten.run_all(["yes | head -1"])
    assert (result.stdout, result.stderr) == (b"y\n", b"")
    masks = hasten.run_all(["grep SigBlk /proc/self/status"])[0].stdout.split()[1]
    assert int(masks, 16) == 0


def run_script(tmp_path: Path, code: str, **options) -> subprocess.Popen[bytes]:
    script = tmp_path / "script.py"
    script.write_text(code)
    return subprocess.Popen([sys.executable, script], cwd=tmp_path, **options)


def test_ctrl_c_ends_every_tree_and_comes_back(tmp_path: Path) -> None:
    code = f"import hasten\nhasten.run_all([{STUBBORN!r}, 'setsid sleep 60 & echo $! >> pids; wait'], workers=2)"
    running = run_script(tmp_path, code, stderr=subprocess.PIPE)
    pids = pids_in(tmp_path, 3)
    start = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, shown = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in shown
    assert not any(map(is_alive, pids))
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_commands_of_a_process_that_is_killed_are_ended(tmp_path: Path, number: int) -> None:
    # A fork of it that lives on holds the socket open; what counts is the process itself.
    code = f"""
import os, hasten, threading, time
def fork():
    while not os.path.exists("pids"):
        time.sleep(0.005)
    if (child := os.fork()) == 0:
        time.sleep(60)
    open("fork", "w").write(str(child))
threading.Thread(target=fork).start()
hasten.run_all([{STUBBORN!r}, "setsid sleep 60 & echo $! >> pids; wait"], workers=2)
"""
    running = run_script(tmp_path, code)
    pids = pids_in(tmp_path, 3)
    wait_until(lambda: (tmp_path / "fork").exists() and (tmp_path / "fork").read_text() != "")
    running.send_signal(number)
    running.wait()
    wait_until(lambda: not any(map(is_alive, pids)))
    fork = int((tmp_path / "fork").read_text())
    assert is_alive(fork)
    os.kill(fork, signal.SIGKILL)


def below(pid: int) -> list[int]:
    """Return the children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("victim", ["server", "guardian"])
def test_the_end_of_the_server_is_the_end_of_its_commands_and_others_go_on(tmp_path: Path, victim: str) -> None:
    commands = ["echo ready", f"echo partly; {STUBBORN}", *["echo more >> more; echo more"] * 30]
    before = children()
    results = hasten.iter_all(commands, workers=1, cwd=tmp_path)
    assert next(results).stdout == b"ready\n"
    (guardian,) = map(int, children() - before)
    pids = pids_in(tmp_path, 2)
    os.kill(guardian if victim == "guardian" else below(guardian)[0], signal.SIGKILL)
    lost, *others = results
    assert isinstance(lost.error, ChildProcessError) and "was killed" in str(lost.error)
    assert (lost.index, lost.returncode, lost.failed) == (1, -signal.SIGKILL, True)
    wait_until(lambda: not any(map(is_alive, pids)))
    assert [(one.stdout, one.returncode) for one in others] == [(b"more\n", 0)] * 30
    assert (tmp_path / "more").read_text() == "more\n" * 30, "none ran twice"


def test_a_command_that_was_lost_with_the_server_is_tried_again(tmp_path: Path) -> None:
    def kill_server() -> None:
        pids_in(tmp_path, 1)
        (guardian,) = map(int, children_of_main() - before)
        os.kill(below(guardian)[0], signal.SIGKILL)

    main = threading.get_native_id()

    def children_of_main() -> set[str]:
        return set(Path(f"/proc/self/task/{main}/children").read_text().split())

    before = children_of_main()
    killer = threading.Thread(target=kill_server)
    killer.start()
    line = "[ -e pids ] && exit; echo $$ > pids; sleep 60"
    (result,) = hasten.run_all([line], cwd=tmp_path, retries=1)
    killer.join()
    assert (result.returncode, result.attempts, result.error) == (0, 2, None)


def test_sigchld_ignored(tmp_path: Path) -> None:
    code = "import signal, hasten\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    code += "print([one.returncode for one in hasten.run_all(['exit 3', 'true'])])"
    shown, _ = run_script(tmp_path, code, stdout=subprocess.PIPE).communicate(timeout=60)
    assert shown == b"[3, 0]\n"


def test_someone_who_waits_for_all_children_takes_nothing(tmp_path: Path) -> None:
    code = """
import os, signal, hasten
def reap(number, frame):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
signal.signal(signal.SIGCHLD, reap)
print([one.returncode for one in hasten.run_all(['exit 3', 'true'] * 10)] == [3, 0] * 10)
"""
    shown, _ = run_script(tmp_path, code, stdout=subprocess.PIPE).communicate(timeout=60)
    assert shown == b"True\n"


def test_calls_side_by_side_in_threads() -> None:
    results: dict[int, list[bytes]] = {}

    def call(number: int) -> None:
        commands = [f"echo {number}.{index}" for index in range(30)]
        results[number] = [one.stdout for one in hasten.run_all(commands, workers=2)]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [f"{number}.{index}\n".encode() for index in range(30)] for number in range(3)}


def test_a_fork_meanwhile_disturbs_nothing() -> None:
    results = hasten.iter_all(["echo a", "read x; echo b"], workers=2, input=None)
    first = next(results)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        results.close()  # type: ignore[attr-defined]  # a generator; in the child, it must not end the commands
        os.write(writer, b"closed")
        os._exit(0)
    assert select.select([reader], [], [], 20)[0]
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert sorted(one.stdout for one in (first, *results)) == [b"a\n", b"b\n"]
