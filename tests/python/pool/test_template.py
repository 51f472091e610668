"""The start method ``template``, the contexts whose pools are Hasten's, and the main module as workers see it."""

import fcntl
import gc
import importlib
import itertools
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
from array import array
from pathlib import Path
from typing import Any

import pytest
from hasten._pool import template
from hasten._pool.template_process import TemplateProcess

import hasten
from tests.python.pool import tasks

drop_in: Any = importlib.import_module("hasten.multiprocessing")
ROOT = Path(__file__).parents[3]
METHODS = ["fork", "spawn", "forkserver", "template"]


def run(arguments: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, timeout=60, cwd=ROOT
    )


def run_file(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    return run([*arguments, str(script)])


def test_two_defaults_of_one_pool() -> None:
    assert hasten.Pool is not drop_in.Pool and issubclass(hasten.Pool, drop_in.Pool)
    assert importlib.import_module("hasten.multiprocessing.pool").Pool is drop_in.Pool
    with hasten.Pool(1) as ours, drop_in.Pool(1) as theirs:
        assert ours._ctx.get_start_method() == "template"
        assert theirs._ctx.get_start_method() == multiprocessing.get_start_method()


@pytest.mark.parametrize("method", METHODS)
def test_pools_of_contexts_are_hastens(method: str) -> None:
    context = drop_in.get_context(method)
    assert context.get_start_method() == method
    with context.Pool(2, tasks.set_state, (5,), max_memory=1 << 40) as pool:
        assert isinstance(pool, drop_in.Pool)
        assert pool.map(tasks.get_state, range(3)) == [5, 5, 5]


@pytest.mark.parametrize("method", METHODS)
def test_parts_of_a_context_work_together(method: str) -> None:
    context = drop_in.get_context(method)
    queue, event, value = context.Queue(), context.Event(), context.Value("i", 3)
    process = context.Process(target=tasks.talk, args=(queue, event, value))
    process.start()
    assert queue.get(timeout=60) == 3
    value.value = 4
    event.set()
    assert queue.get(timeout=60) == 4
    process.join()
    assert process.exitcode == 0


def test_contexts_are_the_standard_librarys_too() -> None:
    assert isinstance(hasten.get_context("fork"), multiprocessing.context.ForkContext)
    assert hasten.get_context().get_start_method() == multiprocessing.get_start_method()
    assert "template" in hasten.get_all_start_methods()
    with pytest.raises(ValueError, match="'thread'; the start methods are"):
        hasten.get_context("thread")


@pytest.mark.parametrize(
    ("target", "arguments", "code"),
    [
        (sys.exit, (5,), 5),
        (os._exit, (6,), 6),
        (tasks.kill_at_three, (3,), -signal.SIGKILL),
        (tasks.fail_at_start, (), 1),
        (tasks.square, (3,), 0),
    ],
)
def test_exit_codes_are_relayed(target: Any, arguments: tuple[Any, ...], code: int) -> None:
    process = hasten.get_context("template").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == code


def test_a_process_of_the_template_can_be_ended() -> None:
    process = hasten.get_context("template").Process(target=tasks.sleep, args=(60,))
    process.start()
    assert process.is_alive() and process.exitcode is None
    process.join(0.01)
    assert process.is_alive()
    process.terminate()
    process.join(60)
    assert process.exitcode == -signal.SIGTERM


def test_the_template_dies_alone_and_is_made_again() -> None:
    with hasten.Pool(2) as pool:
        before = set(pool.map(tasks.pid, range(20), chunksize=1))
        first = template.templates.all()[0].pid
        os.kill(first, signal.SIGKILL)
        assert set(pool.map(tasks.pid, range(20), chunksize=1)) <= {process.pid for process in pool._pool}
        assert {process.pid for process in pool._pool} >= before
        for process in list(pool._pool):
            os.kill(process.pid, signal.SIGKILL)
        assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]
        assert template.templates.all()[0].pid not in (0, first)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_template_may_be_killed_in_the_middle_of_a_start(workers: int) -> None:
    with hasten.Pool(1) as pool:
        assert pool.apply(tasks.square, (2,)) == 4
    first, control = template.templates.all()[0].pid, template.templates.all()[0].control
    os.kill(first, signal.SIGSTOP)
    results: list[int] = []

    def start() -> None:
        with hasten.Pool(workers) as pool:
            results.append(pool.apply(tasks.square, (3,)))

    thread = threading.Thread(target=start)
    thread.start()
    unread = array("i", [0])
    while not unread[0]:  # until the request lies there
        fcntl.ioctl(control, termios.TIOCOUTQ, unread)
        time.sleep(0.001)
    os.kill(first, signal.SIGKILL)
    thread.join(60)
    assert results == [9]
    assert template.templates.all()[0].pid not in (0, first)


@pytest.mark.parametrize("is_born", [False, True])
def test_a_process_that_was_asked_for_and_is_not_wanted_ends(is_born: bool) -> None:
    begin_and_end_a_process()  # so that there is a template
    server = template.templates.all()[0]
    others = children_of(server.pid)  # it may have a resource tracker
    process: Any = hasten.get_context("template").Process(target=tasks.sleep, args=(60,))
    process.ask_ahead()
    answers = process._request._answers
    if is_born:
        select.select([answers], [], [])
    else:
        os.kill(server.pid, signal.SIGSTOP)
    process.withdraw()
    os.kill(server.pid, signal.SIGCONT)
    begin_and_end_a_process()  # when it is born, what was asked for before was forked
    end = time.monotonic() + 30  # the one that is not wanted would sleep for longer
    while children_of(server.pid) - others and time.monotonic() < end:
        time.sleep(0.001)
    assert children_of(server.pid) <= others


def begin_and_end_a_process() -> None:
    process = hasten.get_context("template").Process(target=tasks.square, args=(1,))
    process.start()
    process.join(60)
    assert process.exitcode == 0


def children_of(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_processes_are_asked_for_before_the_first_is_born() -> None:
    context = hasten.get_context("template")
    context.Process(target=tasks.square, args=(1,)).start()  # so that there is a template
    processes: list[Any] = [context.Process(target=tasks.square, args=(1,)) for _ in range(3)]
    os.kill(template.templates.all()[0].pid, signal.SIGSTOP)
    for process in processes:
        process.ask_ahead()
    os.kill(template.templates.all()[0].pid, signal.SIGCONT)
    for process in processes:
        process.start()
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_worker_that_cannot_be_started_takes_those_with_it_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(process: Any) -> None:
        raise OSError("no more processes")

    with hasten.Pool(1) as pool:
        pool.apply(tasks.square, (1,))
        server = template.templates.all()[0]
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        before = children.read_text()
        descriptors = len(os.listdir("/proc/self/fd"))
        monkeypatch.setattr(TemplateProcess, "start", refuse)
        with pytest.raises(OSError, match="no more processes"):
            hasten.Pool(4)
        monkeypatch.undo()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert pool.apply(tasks.square, (2,)) == 4
        while children.read_text() != before:
            time.sleep(0.001)


@pytest.mark.parametrize("method", METHODS)
def test_workers_do_not_have_what_others_write_to_stderr(method: str, tmp_path: Path) -> None:
    with drop_in.get_context(method).Pool(2) as pool:
        both = [(str(tmp_path), "a", "b"), (str(tmp_path), "b", "a")]
        first, second = pool.starmap(tasks.meet_and_list_files, both, chunksize=1)
        assert first["2"] not in second.values() and second["2"] not in first.values()


def test_of_workers_that_cannot_all_be_started_none_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    start = multiprocessing.context.ForkProcess.start
    starts = itertools.count()
    with drop_in.get_context("fork").Pool(1) as pool:
        before = set(multiprocessing.active_children())
        descriptors = len(os.listdir("/proc/self/fd"))

        def start_two(process: Any) -> None:
            if next(starts) == 2:
                raise OSError("no more processes")
            start(process)

        monkeypatch.setattr(multiprocessing.context.ForkProcess, "start", start_two)
        with pytest.raises(OSError, match="no more processes"):
            drop_in.get_context("fork").Pool(4)
        monkeypatch.undo()
        gc.collect()
        assert {*multiprocessing.active_children()} == before
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert pool.apply(tasks.square, (3,)) == 9


def test_a_worker_whose_template_died_still_ends_with_its_pool() -> None:
    pool = hasten.Pool(2)
    pool.map(tasks.square, range(4))
    os.kill(template.templates.all()[0].pid, signal.SIGKILL)
    pool.close()
    pool.join()
    assert not pool._pool


def test_workers_do_not_have_what_threads_held() -> None:
    lock = threading.Lock()
    with lock, hasten.Pool(1) as pool:  # a fork's copy would be held for ever
        assert pool.apply(tasks.square, (3,)) == 9


def test_the_environment_of_the_moment_reaches_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    with hasten.Pool(1) as pool:
        pool.apply(tasks.square, (1,))
    monkeypatch.setenv("HASTEN_TEST_VARIABLE", "late")
    with hasten.Pool(1) as pool:
        assert pool.apply(os.getenv, ("HASTEN_TEST_VARIABLE",)) == "late"
    monkeypatch.delenv("HASTEN_TEST_VARIABLE")
    with hasten.Pool(1) as pool:
        assert pool.apply(os.getenv, ("HASTEN_TEST_VARIABLE",)) is None


def test_pools_in_pools() -> None:
    with hasten.Pool(2) as pool:
        assert pool.map(tasks.use_a_pool, [1, 2]) == [[1, 2], [2, 3]]


def test_a_fork_makes_a_template_of_its_own() -> None:
    with hasten.Pool(1) as pool:
        pool.apply(tasks.square, (1,))
        context = multiprocessing.get_context("fork")
        process = context.Process(target=tasks.use_a_pool, args=(1,))
        process.start()
        process.join(60)
        assert process.exitcode == 0
        assert pool.apply(tasks.square, (3,)) == 9


SCRIPT = """
import hasten
counter = 0
class Point:
    def __init__(self, x):
        self.x = x
def start(value):
    global counter
    counter = value
def add(point):
    return Point(point.x + counter)
if __name__ == "__main__":
    {context}
    with context.Pool(2, start, (10,)) as pool:
        made = pool.map(add, [Point(1), Point(2)])
        assert all(type(one) is Point for one in made)
        by_value = pool.map(lambda x: x + counter, [3])
        print([one.x for one in made], by_value)
    process = context.Process(target=start, args=(1,))
    process.start()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_script_with_a_main_guard(tmp_path: Path, method: str) -> None:
    done = run_file(tmp_path, SCRIPT.format(context=f"context = hasten.get_context({method!r})"))
    assert (done.stdout, done.stderr) == ("[11, 12] [13]\n0\n", "")


@pytest.mark.parametrize("way", ["-c", "stdin"])
def test_a_program_that_is_not_a_file(way: str) -> None:
    text = SCRIPT.format(context="context = hasten.get_context('template')")
    done = run(["-c", text]) if way == "-c" else run(["-"], text)
    assert (done.stdout, done.stderr) == ("[11, 12] [13]\n0\n", "")


def test_a_function_that_is_defined_anew_is_seen() -> None:
    text = """
import hasten
def helper(): return 1
def call(_): return helper()
if True:
    pool = hasten.Pool(1)
    print(pool.map(call, [0]))
    def helper(): return 2
    print(pool.map(call, [0]))
    pool.terminate()
"""
    assert run(["-c", text]).stdout == "[1]\n[2]\n"


UNGUARDED = """
import os
import hasten
print(os.getpid(), flush=True)
def square(x):
    return x * x
with hasten.get_context({method!r}).Pool(2) as pool:
    print(pool.map(square, [1, 2]))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "template"])
def test_a_missing_main_guard_is_one_error(tmp_path: Path, method: str) -> None:
    done = run_file(tmp_path, UNGUARDED.format(method=method))
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert '    if __name__ == "__main__":\n        main()\n' in done.stderr
    assert len(done.stdout.split()) <= (2 if method == "template" else 4)


def test_a_main_module_that_fails_to_import_is_reported(tmp_path: Path) -> None:
    text = """
    import hasten
    if __name__ == "__mp_main__":
        raise LookupError("not here")
    if __name__ == "__main__":
        hasten.Pool(1)
    """
    done = run_file(tmp_path, text)
    assert "RuntimeError: A worker process can't import the program's main module" in done.stderr
    assert "LookupError: not here" in done.stderr


def test_a_main_module_is_imported_once_for_all_workers(tmp_path: Path) -> None:
    text = """
    import hasten
    print("imported", flush=True)
    def square(x):
        return x * x
    if __name__ == "__main__":
        with hasten.Pool(3) as pool:
            pool.map(square, range(10))
    """
    assert run_file(tmp_path, text).stdout == "imported\n" * 2


def test_a_main_module_that_starts_threads_is_imported_by_each_worker(tmp_path: Path) -> None:
    text = """
    import hasten, threading, time
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    def count(_):
        return threading.active_count()
    if __name__ == "__main__":
        with hasten.Pool(1) as pool:
            print(pool.apply(count, (1,)))
    """
    assert run_file(tmp_path, text).stdout == "2\n"


def test_hasten_run_starts_workers_with_the_drop_ins(tmp_path: Path) -> None:
    text = """
    import hasten, multiprocessing
    def which(_):
        return multiprocessing.__name__
    if __name__ == "__main__":
        with hasten.Pool(1) as pool:
            print(pool.map(which, [1]))
        with multiprocessing.get_context("template").Pool(1) as pool:
            print(pool.map(which, [1]))
    """
    done = run_file(tmp_path, text, "-m", "hasten", "run")
    assert (done.stdout, done.stderr) == ("['hasten.multiprocessing']\n" * 2, "")


def test_functions_of_the_program_see_what_its_main_module_holds(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten, sys

        def rebind(value):
            sys.modules["__main__"].number = value
            return number, __name__, annotation.__annotations__, sys.modules["__mp_main__"] is sys.modules["__main__"]

        def annotation(x: 1 + 1): ...

        number = 1
        if __name__ == "__main__":
            with hasten.Pool(1) as pool:
                print(pool.apply(rebind, (2,)))
        """,
    )
    assert ended.stdout == "(2, '__mp_main__', {'x': 2}, True)\n", ended.stderr


def test_the_drop_in_starts_no_template(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        from hasten.multiprocessing import Pool
        if __name__ == "__main__":
            import sys
            with Pool(1, context="fork") as pool:
                print(pool.apply(abs, (-1,)), [name for name in sys.modules if "template" in name])
        """,
    )
    assert ended.stdout == "1 []\n", ended.stderr


UNGUARDED_PROGRAM = """
import logging, multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
logging.getLogger(__name__)
print("runs", flush=True)
class Point:
    def __init__(self, x):
        self.x = x
def move(point):
    return Point(point.x + 1)
def start(offset):
    global base
    base = offset
def add(x):
    return base + x
def say(queue):
    queue.put(add.__module__)
context = multiprocessing.get_context({method!r})
with context.Pool(2, start, (10,)) as pool:
    print(pool.map(add, [1, 2]), pool.apply(move, (Point(1),)).x)
with ProcessPoolExecutor(1, mp_context=context) as executor:
    print(executor.submit(move, Point(2)).result().x)
queue = context.SimpleQueue()
process = context.Process(target=say, args=(queue,))
process.start()
print(queue.get())
process.join()
print(process.exitcode)
"""


@pytest.mark.parametrize("method", METHODS)
def test_hasten_run_needs_no_main_guard(tmp_path: Path, method: str) -> None:
    done = run_file(tmp_path, UNGUARDED_PROGRAM.format(method=method), "-m", "hasten", "run")
    assert (done.stdout, done.stderr) == ("runs\n[11, 12] 2\n3\n__main__\n0\n", "")


def test_a_misplaced_main_guard_is_not_sent_to_hasten_run(tmp_path: Path) -> None:
    text = UNGUARDED.format(method="spawn") + "\nif __name__ == '__main__':\n    pass\n"
    done = run_file(tmp_path, text, "-m", "hasten", "run")
    assert "or use the start method" in done.stderr and "hasten run`" not in done.stderr
