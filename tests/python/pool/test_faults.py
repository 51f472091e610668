"""What a pool does when workers, tasks or the parent end in ways they should not."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from multiprocessing.pool import MaybeEncodingError  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

import pytest
from hasten._pool.errors import WorkerDied
from hasten._pool.main_module import NO_GUARD_STATUS

import hasten
from tests.python.pool import tasks

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with hasten.Pool(2) as made:
        yield made


@pytest.mark.parametrize("chunksize", [1, 3, 10])
@pytest.mark.parametrize(
    ("function", "number", "status"),
    [
        (tasks.kill_at_three, signal.SIGKILL, None),
        (tasks.segfault_at_three, signal.SIGSEGV, None),
        (tasks.leave_at_three, None, 7),
    ],
)
def test_a_death_costs_the_task_that_ran(
    pool: Any, function: Any, number: signal.Signals | None, status: int | None, chunksize: int
) -> None:
    results = pool.map(function, range(10), chunksize=chunksize, on_error="return")
    (error,) = [one for one in results if isinstance(one, WorkerDied)]
    assert [x for x in results if x is not error] == [x for x in range(10) if x != 3]
    assert results[3] is error
    assert (error.signal, error.exit_status) == (number, status)
    assert function.__name__ in error.task and "item 3" in str(error)
    with pytest.raises(WorkerDied):
        pool.map(function, range(10), chunksize=chunksize)
    assert pool.map(tasks.square, range(10)) == [x * x for x in range(10)]


def test_deaths_in_imap_cost_one_result_each(pool: Any) -> None:
    results = list(pool.imap(tasks.kill_at_three, [0, 3, 1, 3, 2], on_error="return"))
    assert [x for x in results if isinstance(x, int)] == [0, 1, 2]
    assert [type(results[1]), type(results[3])] == [WorkerDied, WorkerDied]


def test_a_task_whose_worker_died_is_retried(pool: Any, tmp_path: Path) -> None:
    arguments = [(str(tmp_path), x) for x in range(5)]
    assert pool.starmap(tasks.die_once, arguments, chunksize=5, retries=1) == list(range(5))


def test_no_item_runs_twice_because_another_died(pool: Any, tmp_path: Path) -> None:
    def run(x: int, folder: str = str(tmp_path)) -> None:
        with open(os.path.join(folder, str(x)), "a") as file:
            file.write("x")
        if x % 7 == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    results = pool.map(run, range(40), chunksize=8, on_error="return")
    assert [isinstance(one, WorkerDied) for one in results] == [x % 7 == 3 for x in range(40)]
    assert [(tmp_path / str(x)).read_text() for x in range(40)] == ["x"] * 40


def test_all_workers_may_die_at_once(pool: Any) -> None:
    result = pool.map_async(tasks.sleep, [0.2] * 8, chunksize=1, on_error="return")
    time.sleep(0.1)
    for process in list(pool._pool):
        os.kill(process.pid, signal.SIGKILL)
    results = result.get(60)
    assert sum(isinstance(one, WorkerDied) for one in results) <= 2
    assert results.count(0.2) >= 6
    assert pool.apply(tasks.square, (3,)) == 9


def test_idle_workers_that_die_are_replaced(pool: Any) -> None:
    assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]
    for process in list(pool._pool):
        os.kill(process.pid, signal.SIGKILL)
    assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]


@pytest.mark.parametrize("initializer", [tasks.leave_at_start, tasks.fail_at_start])
@pytest.mark.parametrize("processes", [1, 2])
def test_workers_that_never_start_are_reported(initializer: Any, processes: int) -> None:
    with hasten.Pool(processes, initializer) as made:
        with pytest.raises(WorkerDied, match="before their first task"):
            made.map(tasks.square, range(4))
        with pytest.raises(WorkerDied, match="before their first task"):
            made.apply_async(tasks.square, (1,)).get(60)


def test_workers_that_never_start_cost_nothing_while_another_works(tmp_path: Path) -> None:
    with hasten.Pool(2, tasks.leave_unless_first, (str(tmp_path),)) as made:
        assert made.apply(tasks.square, (3,)) == 9
        (tmp_path / "works").touch()
        assert made.map(tasks.sleep, [0.02] * 50, chunksize=1) == [0.02] * 50


@pytest.mark.parametrize("method", ["spawn", "template"])
def test_an_initializer_may_exit_with_any_status(method: str) -> None:
    pool = hasten.get_context(method).Pool(1, os._exit, (NO_GUARD_STATUS,))
    with pool, pytest.raises(WorkerDied, match="exit status 78"):
        pool.map(tasks.square, range(4))


@pytest.mark.parametrize("method", ["fork", "template"])
def test_a_pool_without_memory_fails_and_the_next_one_works(method: str) -> None:
    text = f"""
    import hasten, resource
    def start():
        with hasten.get_context({method!r}).Pool(1) as pool:
            return pool.apply(abs, (-1,))
    start()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    for room in [1 << shift for shift in (16, 18, 20, 22, 24, 27)]:
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + room, hard))
        try:
            outcome = str(start())
        except (OSError, RuntimeError, MemoryError, hasten.errors.MachineError):
            outcome = "failed"
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        print(outcome, start(), flush=True)
    """
    _, output = run_script(text)
    lines = output.splitlines()
    assert lines[0] == "failed 1" and lines[-1] == "1 1"
    assert set(lines) == {"failed 1", "1 1"} and len(lines) == 6


def test_a_task_that_takes_too_long_is_killed(pool: Any, tmp_path: Path) -> None:
    results = pool.starmap(
        tasks.mark_and_sleep,
        [(str(tmp_path), x) for x in (0.01, 60.0, 0.02, 0.03)],
        chunksize=4,
        timeout=0.5,
        on_error="return",
    )
    assert [results[0], *results[2:]] == [0.01, 0.02, 0.03]
    assert isinstance(results[1], TimeoutError) and "sleep, item 1" in str(results[1])
    assert [(tmp_path / str(x)).read_text() for x in (0.01, 60.0, 0.02, 0.03)] == ["x"] * 4
    with pytest.raises(TimeoutError, match="longer than its timeout"):
        pool.apply(tasks.sleep, (60,), timeout=0.2)
    assert pool.apply(tasks.square, (3,), timeout=30) == 9


def test_a_worker_that_takes_too_much_memory_is_killed() -> None:
    with hasten.Pool(1, max_memory=300 << 20) as made:
        with pytest.raises(MemoryError, match="max_memory"):
            made.apply(tasks.take_memory, (400 << 20,))
        assert made.apply(tasks.square, (3,)) == 9


def test_exceptions_that_cannot_travel_are_described(pool: Any) -> None:
    with pytest.raises(MaybeEncodingError, match="NoPickle"):
        pool.apply(tasks.raise_unpicklable)
    with pytest.raises(MaybeEncodingError, match="NoUnpickle"):
        pool.apply(tasks.raise_no_unpickle)
    with pytest.raises(ValueError, match="not a number"):
        pool.apply(tasks.return_no_unpickle)
    with pytest.raises(MaybeEncodingError, match="whose repr fails"):
        pool.apply(tasks.raise_without_repr)
    with pytest.raises(MaybeEncodingError, match="whose repr fails"):
        pool.apply(tasks.return_too_deep)
    assert pool.apply(tasks.square, (3,)) == 9


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt("k"), GeneratorExit(), BaseException("b")])
def test_exceptions_beyond_exception_come_back(pool: Any, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        pool.apply(tasks.raise_it, (error,))
    assert raised.value.args == error.args
    assert pool.apply(tasks.square, (3,)) == 9


def test_a_function_that_the_worker_cannot_load_is_an_error(pool: Any, tmp_path: Path) -> None:
    module = tmp_path / "only_in_the_parent.py"
    module.write_text("def f(x):\n    return x\n")
    sys.path.insert(0, str(tmp_path))
    try:
        function = __import__("only_in_the_parent").f
    finally:
        sys.path.remove(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="only_in_the_parent"):
        pool.map(function, [1, 2])
    assert pool.apply(tasks.square, (3,)) == 9


def test_arguments_that_do_not_pickle_fail_their_call_alone(pool: Any) -> None:
    with pytest.raises(TypeError, match="pickle"):
        pool.apply(tasks.identity, (__import__("threading").Lock(),))
    results = pool.map(tasks.identity, [1, __import__("threading").Lock(), 3], chunksize=1, on_error="return")
    assert results[0::2] == [1, 3] and isinstance(results[1], TypeError)


def test_a_fork_that_a_task_makes_is_no_second_worker(pool: Any) -> None:
    assert pool.map(tasks.fork_and_return, range(6), chunksize=2) == [(x, False) for x in range(6)]
    assert pool.map(tasks.fork_and_exit, range(6), chunksize=2) == list(range(6))
    assert pool.map(tasks.fork_and_exit, [3.0, 4.0], chunksize=1) == [1, 1]


def test_terminate_ends_tasks_and_their_results(tmp_path: Path) -> None:
    made = hasten.Pool(2)
    results = [made.apply_async(tasks.sleep, (60,)) for _ in range(10)]
    iterator = made.imap(tasks.sleep, [60] * 10)
    time.sleep(0.2)
    made.terminate()
    made.join()
    for result in results:
        with pytest.raises(Exception, match="terminated"):
            result.get(10)
    with pytest.raises(Exception, match="terminated"):
        next(iterator)


def test_terminate_ends_workers_that_ignore_sigterm() -> None:
    made = hasten.Pool(1, signal.signal, (signal.SIGTERM, signal.SIG_IGN))
    made.apply_async(tasks.sleep, (60,))
    time.sleep(0.2)
    made.terminate()
    made.join()
    assert not made._pool


def test_a_worker_may_die_while_it_shuts_down() -> None:
    made = hasten.Pool(2)
    made.map(tasks.square, range(4))
    made.close()
    workers = list(made._pool)
    for process in workers:
        with contextlib.suppress(ProcessLookupError):  # it may have left already
            os.kill(process.pid, signal.SIGKILL)
    made.join()
    assert not any(process.is_alive() for process in workers)


def test_a_fork_does_not_use_its_parents_pool(pool: Any) -> None:
    child = os.fork()
    if child == 0:
        try:
            pool.apply(tasks.square, (3,))
        except ValueError as error:
            os._exit(0 if "belongs to process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool.apply(tasks.square, (3,)) == 9


def test_an_input_that_fails_ends_the_iterator(pool: Any) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise SystemExit("no more")

    results = pool.imap(tasks.square, numbers())
    assert next(results) == 1
    with pytest.raises(SystemExit, match="no more"):
        next(results)
    assert list(results) == []


def run_script(text: str, *, wait: bool = True) -> Any:
    script = textwrap.dedent(text)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    if wait:
        output, _ = process.communicate(timeout=60)
        return process.returncode, output
    return process


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_worker_outlives_a_parent_that_was_killed() -> None:
    process = run_script(
        """
        import hasten, time
        pool = hasten.Pool(3)
        results = pool.map_async(time.sleep, [60] * 2)
        print(*[one.pid for one in pool._pool], flush=True)
        time.sleep(60)
        """,
        wait=False,
    )
    pids = [int(one) for one in process.stdout.readline().split()]
    assert len(pids) == 3 and all(map(is_running, pids))
    process.kill()
    process.wait()
    end = time.monotonic() + 30
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(is_running, pids))


@pytest.mark.parametrize("call", ["map(time.sleep, [60] * 10)", "imap(time.sleep, [60] * 10).next()"])
def test_ctrl_c_ends_a_call_and_the_pool_goes_on(call: str) -> None:
    process = run_script(
        f"""
        import hasten, time, os
        pool = hasten.Pool(2)
        print("ready", flush=True)
        try:
            pool.{call}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        print(pool.apply(abs, (-1,)), flush=True)
        pool.terminate(); pool.join()
        """,
        wait=False,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.split() == ["interrupted", "1"]


def test_a_program_that_forgets_its_pool_ends() -> None:
    code, output = run_script("import hasten; pool = hasten.Pool(2); print(pool.map(abs, [-1, -2]))")
    assert (code, output) == (0, "[1, 2]\n")


def test_threads_that_wait_when_the_program_ends_do_no_harm() -> None:
    code, output = run_script(
        """
        import hasten, threading, time
        pool = hasten.Pool(2)

        def wait():
            try:
                pool.apply(time.sleep, (60,))
            except Exception:
                pass

        def call():
            try:
                while True:
                    pool.apply(abs, (-1,))
            except Exception:
                pass

        for body in wait, call, call:
            threading.Thread(target=body, daemon=True).start()
        results = [pool.apply_async(time.sleep, (0.01,)) for _ in range(50)]
        print(next(pool.imap(abs, iter(range(-5, 1000)))))
        """
    )
    assert (code, output) == (0, "5\n")
