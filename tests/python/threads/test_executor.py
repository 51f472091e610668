"""hasten.ThreadPoolExecutor: concurrent.futures' contract, asyncio, context variables, fork, the interpreter's end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import contextvars
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import hasten

LONG = 30.0


@pytest.fixture
def executor() -> Iterator[hasten.ThreadPoolExecutor]:
    with hasten.ThreadPoolExecutor(3) as made:
        yield made


def test_classes_are_the_standard_ones(executor: hasten.ThreadPoolExecutor) -> None:
    assert isinstance(executor, concurrent.futures.ThreadPoolExecutor)
    future = executor.submit(pow, 2, exp=5)
    assert isinstance(future, concurrent.futures.Future)
    assert (future.result(LONG), future.done(), future.exception()) == (32, True, None)
    assert "state=finished returned int" in repr(future)


def test_standard_functions_wait_for_the_futures(executor: hasten.ThreadPoolExecutor) -> None:
    release = threading.Event()
    slow = executor.submit(release.wait, LONG)
    quick = executor.submit(abs, -1)
    done, rest = concurrent.futures.wait([slow, quick], LONG, concurrent.futures.FIRST_COMPLETED)
    assert (done, rest) == ({quick}, {slow})
    waiting = concurrent.futures.as_completed([slow, quick], LONG)
    assert next(waiting) is quick
    release.set()
    assert next(waiting) is slow


def test_both_ways_of_waiting_see_one_end(executor: hasten.ThreadPoolExecutor) -> None:
    release = threading.Event()
    future = executor.submit(release.wait, LONG)
    seen: list[Any] = []
    waiters = [threading.Thread(target=lambda: seen.append(future.result(LONG))) for _ in range(3)]
    waiters += [threading.Thread(target=lambda: seen.append(concurrent.futures.wait([future], LONG)[0]))]
    for waiter in waiters:
        waiter.start()
    while not future._waiters:
        time.sleep(0.001)
    release.set()
    for waiter in waiters:
        waiter.join(LONG)
    assert sorted(map(str, seen)) == sorted(map(str, [True, True, True, {future}]))


def test_cancelling(executor: hasten.ThreadPoolExecutor) -> None:
    release = threading.Event()
    running = [executor.submit(release.wait, LONG) for _ in range(3)]
    queued = executor.submit(abs, 1)
    calls: list[Any] = []
    queued.add_done_callback(calls.append)
    assert queued.cancel() and queued.cancelled() and calls == [queued]
    with pytest.raises(concurrent.futures.CancelledError):
        queued.result(LONG)
    while not running[0].running():
        time.sleep(0.001)
    assert not running[0].cancel()
    with pytest.raises(TimeoutError):
        running[0].result(0.01)
    release.set()
    assert [future.result(LONG) for future in running] == [True] * 3


def test_a_done_future_can_not_be_set_again() -> None:
    with hasten.ThreadPoolExecutor(1) as executor:
        future = executor.submit(abs, 1)
        future.result(LONG)
        with pytest.raises(concurrent.futures.InvalidStateError):
            future.set_result(2)
        assert future.result() == 1


def test_futures_can_be_awaited(executor: hasten.ThreadPoolExecutor) -> None:
    async def main() -> tuple[int, list[int], int]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        one = await executor.submit(abs, -1)
        many = await asyncio.gather(*(asyncio.wrap_future(executor.submit(abs, -n)) for n in range(20)))
        return one, many, await loop.run_in_executor(None, abs, -7)

    assert asyncio.run(main()) == (1, list(range(20)), 7)


def test_context_variables_are_carried_along(executor: hasten.ThreadPoolExecutor) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    token = variable.set("mine")
    future = executor.submit(variable.get)
    variable.reset(token)
    assert future.result(LONG) == "mine"
    assert executor.submit(variable.get).result(LONG) == "none"


def test_tasks_may_wait_for_tasks() -> None:
    with hasten.ThreadPoolExecutor(1) as executor:

        def total(depth: int) -> int:
            return 1 if depth == 0 else sum(f.result() for f in [executor.submit(total, depth - 1) for _ in range(3)])

        assert executor.submit(total, 4).result(LONG) == 81


def test_threads_start_as_they_are_needed_and_are_used_again() -> None:
    with hasten.ThreadPoolExecutor(4) as executor:
        for _ in range(20):
            executor.submit(abs, 1).result(LONG)
        assert len(executor._threads) == 1
        barrier = threading.Barrier(4)
        assert sorted(f.result(LONG) for f in [executor.submit(barrier.wait, LONG) for _ in range(4)]) == [0, 1, 2, 3]
        assert len(executor._threads) == 4


def test_nothing_lingers(executor: hasten.ThreadPoolExecutor) -> None:
    class Thing:
        pass

    def touch(thing: Thing) -> Thing:
        return thing

    thing = Thing()
    reference = weakref.ref(thing)
    assert executor.submit(touch, thing).result(LONG) is thing
    del thing
    assert reference() is None


def test_a_dropped_executor_finishes_and_lets_its_threads_go() -> None:
    executor = hasten.ThreadPoolExecutor(2)
    done: list[int] = []
    for number in range(100):
        executor.submit(done.append, number)
    threads = list(executor._threads)
    del executor
    gc.collect()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert sorted(done) == list(range(100))


def test_cancelled_futures_end_the_waiting() -> None:
    release = threading.Event()
    executor = hasten.ThreadPoolExecutor(1)
    running = executor.submit(release.wait, LONG)
    queued = [executor.submit(abs, 1) for _ in range(3)]
    waiter = hasten.Thread(target=concurrent.futures.wait, args=(queued, LONG))
    waiter.start()
    executor.shutdown(wait=False, cancel_futures=True)
    assert waiter.result(LONG).done == set(queued) and all(future.cancelled() for future in queued)
    release.set()
    assert running.result(LONG) is True


def test_a_failing_initializer_breaks_the_executor(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def initializer() -> None:
        release.wait(LONG)
        raise ValueError("no database")

    with hasten.ThreadPoolExecutor(1, initializer=initializer) as executor:
        future = executor.submit(abs, 1)
        release.set()
        with pytest.raises(concurrent.futures.thread.BrokenThreadPool, match="A thread initializer failed"):
            future.result(LONG)
        with pytest.raises(concurrent.futures.thread.BrokenThreadPool):
            executor.submit(abs, 1)
    assert "Exception in initializer" in caplog.text


def test_closed_executors_say_so() -> None:
    executor = hasten.ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(abs, 1)


def test_a_forked_child_starts_anew(executor: hasten.ThreadPoolExecutor) -> None:
    release = threading.Event()
    left_behind = [executor.submit(release.wait, LONG) for _ in range(5)]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = list(executor.map(abs, range(-9, 0))) == list(range(9, 0, -1))
            try:
                left_behind[-1].result(LONG)
            except RuntimeError as error:
                status = 0 if good and "left behind by a fork" in str(error) else 2
            executor.shutdown()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    release.set()
    assert [future.result(LONG) for future in left_behind] == [True] * 5


def test_the_interpreter_waits_for_what_was_submitted() -> None:
    code = (
        "import hasten, time\n"
        "executor = hasten.ThreadPoolExecutor(2)\n"
        "def late(n):\n"
        "    time.sleep(0.01)\n"
        "    try:\n"
        "        executor.submit(print, 'never')\n"
        "    except RuntimeError as error:\n"
        "        print(f'{n} {error}\\n', end='')\n"
        "time.sleep(0) or [executor.submit(late, n) for n in range(4)]\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (sorted(shown.stdout.splitlines())[-1], shown.stderr, shown.returncode) == (
        "3 cannot schedule new futures after interpreter shutdown",
        "",
        0,
    )


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_every_exception_of_a_task_reaches_its_future(executor: Any, kind: type[BaseException]) -> None:
    def task() -> None:
        raise kind("of a task")

    with pytest.raises(kind, match="of a task"):
        executor.submit(task).result(LONG)
    assert executor.submit(abs, -1).result(LONG) == 1
