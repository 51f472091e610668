"""hasten.ProcessPoolExecutor: concurrent.futures' contract, what a death does, asyncio, the interpreter's end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
from hasten._pool.errors import TaskUnreadable, WorkerDied

import hasten
from tests.python.pool import tasks

LONG = 30.0


@pytest.fixture
def executor() -> Iterator[hasten.ProcessPoolExecutor]:
    with hasten.ProcessPoolExecutor(2) as made:
        yield made


def assert_soon(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def has_left(process: Any) -> bool:
    return bool(process.exitcode == 0)


def wait_for_file(path: str) -> str:
    while not os.path.exists(path):
        time.sleep(0.001)
    return path


def note_and_wait(started: str, release: str) -> str:
    Path(started).touch()
    return wait_for_file(release)


def submit_inside(number: int) -> int:
    with hasten.ProcessPoolExecutor(1) as inner:
        result: int = inner.submit(tasks.square, number).result(LONG)
        return result


def unread_inside(number: int) -> int:
    inner = hasten.ProcessPoolExecutor(1)
    inner.submit(tasks.square, number)
    globals()["kept"] = inner
    return number


class ExitsWhenUnpickled:
    def __reduce__(self) -> Any:
        return tasks.leave_by_exit, ()


class FailsWhenUnpickled:
    def __reduce__(self) -> Any:
        return tasks.raise_it, (ValueError("no reading today"),)


class Thing:
    pass


class FailsWhenPickled:
    def __reduce__(self) -> Any:
        raise ValueError("no writing today")


def test_classes_are_the_standard_ones(executor: hasten.ProcessPoolExecutor) -> None:
    assert isinstance(executor, concurrent.futures.ProcessPoolExecutor)
    assert hasten.futures.ProcessPoolExecutor is hasten.ProcessPoolExecutor
    future = executor.submit(pow, 2, exp=5)
    assert isinstance(future, concurrent.futures.Future)
    assert (future.result(LONG), future.done(), future.exception(), future.running()) == (32, True, None, False)
    assert "state=finished returned int" in repr(future)


def test_exceptions_carry_the_workers_traceback(executor: hasten.ProcessPoolExecutor) -> None:
    future = executor.submit(tasks.raise_it, KeyError("lost"))
    assert isinstance(future.exception(LONG), KeyError)
    with pytest.raises(KeyError, match="lost") as failure:
        future.result()
    assert type(failure.value.__cause__).__name__ == "_RemoteTraceback"
    assert "raise error" in str(failure.value.__cause__)


def test_standard_functions_wait_for_the_futures(executor: hasten.ProcessPoolExecutor, tmp_path: Path) -> None:
    slow = executor.submit(wait_for_file, str(tmp_path / "release"))
    quick = executor.submit(abs, -1)
    done, rest = concurrent.futures.wait([slow, quick], LONG, concurrent.futures.FIRST_COMPLETED)
    assert (done, rest) == ({quick}, {slow})
    waiting = concurrent.futures.as_completed([slow, quick], LONG)
    assert next(waiting) is quick
    (tmp_path / "release").touch()
    assert next(waiting) is slow


def test_futures_know_whether_they_run(tmp_path: Path) -> None:
    with hasten.ProcessPoolExecutor(1) as executor:
        future = executor.submit(note_and_wait, str(tmp_path / "started"), str(tmp_path / "release"))
        queued = executor.submit(abs, -1)
        wait_for_file(str(tmp_path / "started"))
        assert future.running() and not queued.running()
        assert not future.cancel()
        with pytest.raises(TimeoutError):
            future.result(0.01)
        calls: list[Any] = []
        queued.add_done_callback(calls.append)
        assert queued.cancel() and queued.cancelled() and calls == [queued]
        assert concurrent.futures.wait([queued], LONG).done == {queued}
        with pytest.raises(concurrent.futures.CancelledError):
            queued.result(LONG)
        (tmp_path / "release").touch()
        assert future.result(LONG).endswith("release")


def test_callbacks_run_when_nobody_waits(executor: hasten.ProcessPoolExecutor) -> None:
    seen: list[int] = []
    called = threading.Event()

    def callback(future: Any) -> None:
        seen.append(executor.submit(tasks.square, future.result()).result(LONG))
        called.set()

    executor.submit(tasks.square, 2).add_done_callback(callback)
    assert called.wait(LONG) and seen == [16]


def test_a_callback_can_not_wait_for_the_end(executor: hasten.ProcessPoolExecutor, tmp_path: Path) -> None:
    seen: list[Exception] = []

    def callback(_: object) -> None:
        try:
            executor.shutdown()
        except RuntimeError as error:
            seen.append(error)

    future = executor.submit(wait_for_file, str(tmp_path / "release"))
    future.add_done_callback(callback)
    (tmp_path / "release").touch()
    assert_soon(lambda: bool(seen))
    assert "callback" in str(seen[0])


def test_futures_can_be_awaited(executor: hasten.ProcessPoolExecutor) -> None:
    async def main() -> tuple[Any, ...]:
        one = await executor.submit(abs, -1)
        many = await asyncio.gather(*(executor.submit(tasks.square, n) for n in range(20)))
        inside = await asyncio.get_running_loop().run_in_executor(executor, abs, -7)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(executor.submit(time.sleep, 0.5)), 0.01)
        return one, many, inside

    assert asyncio.run(main()) == (1, [n * n for n in range(20)], 7)


def test_results_of_pools_can_be_awaited() -> None:
    async def main(pool: Any) -> tuple[Any, ...]:
        many = await asyncio.gather(*(pool.apply_async(tasks.square, (n,)) for n in range(5)))
        with pytest.raises(KeyError):
            await pool.apply_async(tasks.raise_it, (KeyError(),))
        return many, await pool.map_async(tasks.square, range(3))

    for kind in (hasten.Pool, hasten.ThreadPool):
        with kind(2) as pool:
            assert asyncio.run(main(pool)) == ([0, 1, 4, 9, 16], [0, 1, 4])


@pytest.mark.parametrize("chunksize", [1, 3, 100])
@pytest.mark.parametrize("buffersize", [None, 1, 4])
def test_map(executor: hasten.ProcessPoolExecutor, chunksize: int, buffersize: int | None) -> None:
    results = executor.map(pow, range(10), range(12), chunksize=chunksize, buffersize=buffersize)
    assert list(results) == [x**x for x in range(10)]


def test_map_reads_no_more_than_its_buffer(executor: hasten.ProcessPoolExecutor) -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    results = executor.map(tasks.square, numbers(), buffersize=3)
    assert len(read) == 3
    assert [next(results), next(results)] == [0, 1] and len(read) == 5
    for wrong in ({"buffersize": 0}, {"chunksize": 0}):
        with pytest.raises(ValueError):
            executor.map(abs, [1], **wrong)


def test_map_ends_with_the_first_exception_and_the_time(executor: hasten.ProcessPoolExecutor) -> None:
    results = executor.map(divmod, [1, 1, 1], [1, 0, 1])
    assert next(results) == (1, 0)
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []
    with pytest.raises(TimeoutError):
        list(executor.map(time.sleep, [0.5], timeout=0.01))


def test_functions_that_pickle_refuses(executor: hasten.ProcessPoolExecutor) -> None:
    offset = 3
    assert executor.submit(lambda x: x + offset, 4).result(LONG) == 7
    assert list(executor.map(lambda x: x * offset, range(3), chunksize=2)) == [0, 3, 6]


@pytest.mark.parametrize("how", [tasks.die_now, os._exit])
def test_a_death_breaks_the_executor(how: Any, tmp_path: Path) -> None:
    with hasten.ProcessPoolExecutor(2) as executor:
        other = executor.submit(note_and_wait, str(tmp_path / "started"), str(tmp_path / "never"))
        wait_for_file(str(tmp_path / "started"))
        queued = [executor.submit(abs, 1) for _ in range(5)]
        dying = executor.submit(how, 0)
        with pytest.raises(WorkerDied, match="ended with exit status"):
            dying.result(LONG)
        with pytest.raises(BrokenProcessPool):
            other.result(LONG)
        for future in queued:
            assert isinstance(future.exception(LONG), BrokenProcessPool | None)
        with pytest.raises(BrokenProcessPool, match="not usable anymore"):
            executor.submit(abs, 1)
    assert executor._processes == {}


def test_a_death_of_an_idle_worker_breaks_the_executor(executor: hasten.ProcessPoolExecutor) -> None:
    executor.submit(abs, 1).result(LONG)
    os.kill(next(iter(executor._processes)), signal.SIGKILL)
    assert_soon(lambda: bool(executor._broken))
    with pytest.raises(BrokenProcessPool):
        executor.submit(abs, 1)


def test_replacing_costs_the_call_alone(tmp_path: Path) -> None:
    with hasten.ProcessPoolExecutor(2, on_worker_death="replace", retries=1) as executor:
        assert list(executor.map(tasks.die_once, [str(tmp_path)] * 5, range(5))) == list(range(5))
    with hasten.ProcessPoolExecutor(2, on_worker_death="replace") as executor:
        futures = [executor.submit(tasks.kill_at_three, x) for x in range(8)]
        failed = [future.exception(LONG) for future in futures]
        assert [type(error) for error in failed] == [type(None)] * 3 + [WorkerDied] + [type(None)] * 4
        assert isinstance(failed[3], WorkerDied) and failed[3].signal == signal.SIGKILL
        assert executor.submit(abs, -1).result(LONG) == 1


def test_a_time_out_breaks_nothing() -> None:
    with hasten.ProcessPoolExecutor(1, timeout=0.1) as executor:
        with pytest.raises(TimeoutError, match="timeout"):
            executor.submit(tasks.sleep, 60).result(LONG)
        assert executor.submit(abs, -1).result(LONG) == 1


def test_what_can_not_travel_costs_its_call_alone(executor: hasten.ProcessPoolExecutor) -> None:
    with pytest.raises(ValueError, match="no writing today"):
        executor.submit(abs, FailsWhenPickled()).result(LONG)
    with pytest.raises(ValueError, match="no writing today"):
        executor.submit(FailsWhenPickled).result(LONG)
    with pytest.raises(BrokenProcessPool, match="no reading today"):
        executor.submit(id, FailsWhenUnpickled()).result(LONG)
    with pytest.raises(BrokenProcessPool, match="no reading today"):
        executor.submit(FailsWhenUnpickled).result(LONG)
    with pytest.raises(TaskUnreadable, match="can't be unpickled"):
        executor.submit(tasks.raise_no_unpickle).result(LONG)
    assert executor.submit(abs, -1).result(LONG) == 1
    with pytest.raises(BrokenProcessPool, match="exit status 3"):
        executor.submit(id, ExitsWhenUnpickled()).result(LONG)


def test_a_failing_initializer_breaks_the_executor(capfd: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("spawn")  # whose workers log to stderr
    with hasten.ProcessPoolExecutor(1, context, tasks.fail_at_start) as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(abs, 1).result(LONG)
        with pytest.raises(BrokenProcessPool):
            executor.submit(abs, 1)
    assert "no start today" in capfd.readouterr().err


def test_initializers_run_once_in_each_worker() -> None:
    with hasten.ProcessPoolExecutor(1, initializer=tasks.set_state, initargs=(7,)) as executor:
        assert executor.submit(tasks.get_state).result(LONG) == 7


def test_workers_that_are_spawned_come_one_by_one_and_leave_after_their_tasks() -> None:
    context = multiprocessing.get_context("spawn")
    with hasten.ProcessPoolExecutor(3, context, max_tasks_per_child=2) as executor:
        pids = [executor.submit(tasks.pid).result(LONG) for _ in range(2)]
        assert pids[0] == pids[1] and len(executor._processes) == 1
        assert executor.submit(tasks.pid).result(LONG) != pids[0]
    with pytest.raises(ValueError, match="incompatible with the 'fork'"):
        hasten.ProcessPoolExecutor(1, multiprocessing.get_context("fork"), max_tasks_per_child=2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_workers": 0},
        {"timeout": 0},
        {"retries": -1},
        {"max_memory": 0},
        {"max_shm": -1},
        {"on_worker_death": "ignore"},
    ],
)
def test_wrong_options(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        hasten.ProcessPoolExecutor(**wrong)


def test_shutting_down_cancels_what_has_not_begun(tmp_path: Path) -> None:
    executor = hasten.ProcessPoolExecutor(1)
    running = executor.submit(note_and_wait, str(tmp_path / "started"), str(tmp_path / "release"))
    wait_for_file(str(tmp_path / "started"))
    queued = [executor.submit(abs, 1) for _ in range(5)]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in queued) and running.running()
    (tmp_path / "release").touch()
    executor.shutdown()
    assert running.done() and executor._processes == {}
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)


def test_an_interrupted_block_waits_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), hasten.ProcessPoolExecutor(1) as executor:
        running = executor.submit(note_and_wait, str(tmp_path / "started"), str(tmp_path / "never"))
        wait_for_file(str(tmp_path / "started"))
        late = executor.submit(Path.touch, tmp_path / "late")
        raise KeyboardInterrupt
    assert late.cancelled()
    with pytest.raises(BrokenProcessPool, match="were ended"):
        running.result()


def test_workers_can_be_ended(tmp_path: Path) -> None:
    for how in ("terminate_workers", "kill_workers"):
        executor = hasten.ProcessPoolExecutor(1)
        running = executor.submit(note_and_wait, str(tmp_path / how), str(tmp_path / "never"))
        wait_for_file(str(tmp_path / how))
        getattr(executor, how)()
        with pytest.raises(BrokenProcessPool):
            running.result(LONG)
        executor.shutdown()


def test_a_dropped_executor_finishes_and_lets_its_workers_go() -> None:
    executor = hasten.ProcessPoolExecutor(2)
    futures = [executor.submit(tasks.square, number) for number in range(50)]
    processes, crew = list(executor._processes.values()), weakref.ref(executor._crew)
    del executor
    gc.collect()
    assert [future.result(LONG) for future in futures] == [number * number for number in range(50)]
    for process in processes:
        assert_soon(functools.partial(has_left, process))
    assert_soon(lambda: crew() is None)


def test_nothing_lingers(executor: hasten.ProcessPoolExecutor) -> None:
    thing = Thing()
    reference = weakref.ref(thing)
    result = executor.submit(tasks.identity, thing).result(LONG)
    del thing
    gc.collect()
    assert reference() is None
    reference = weakref.ref(result)
    del result
    assert reference() is None


def test_executors_in_workers() -> None:
    with hasten.ProcessPoolExecutor(2) as executor:
        assert list(executor.map(submit_inside, range(4))) == [0, 1, 4, 9]
        assert list(executor.map(unread_inside, range(2))) == [0, 1]


def test_a_forked_child_starts_anew(executor: hasten.ProcessPoolExecutor, tmp_path: Path) -> None:
    left_behind = executor.submit(wait_for_file, str(tmp_path / "release"))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = executor.submit(tasks.square, 3).result(LONG) == 9
            try:
                left_behind.result(LONG)
            except RuntimeError as error:
                status = 0 if good and "left behind by a fork" in str(error) else 2
            executor.shutdown()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    (tmp_path / "release").touch()
    assert left_behind.result(LONG)


def test_the_interpreter_waits_for_what_was_submitted() -> None:
    code = (
        "import atexit, hasten, time\n"
        "def late(n):\n"
        "    time.sleep(0.05)\n"
        "    print(n, flush=True)\n"
        "def last():\n"
        "    try:\n"
        "        executor.submit(print, 'never')\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
        "atexit.register(last)\n"
        "executor = hasten.ProcessPoolExecutor(1)\n"
        "futures = [executor.submit(late, n) for n in range(3)]\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (shown.stdout.splitlines(), shown.stderr, shown.returncode) == (
        ["0", "1", "2", "cannot schedule new futures after interpreter shutdown"],
        "",
        0,
    )


def test_many_threads_submit_and_wait(executor: hasten.ProcessPoolExecutor) -> None:
    def work(start: int) -> int:
        futures = [executor.submit(tasks.square, start + number) for number in range(100)]
        return sum(future.result(LONG) for future in futures)

    threads = [hasten.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    expected = [sum((start + number) ** 2 for number in range(100)) for start in range(4)]
    assert [thread.result(LONG) for thread in threads] == expected
