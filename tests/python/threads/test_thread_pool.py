"""hasten.ThreadPool: what it does beyond the standard library, and where the standard library hangs."""

from __future__ import annotations

import contextvars
import gc
import itertools
import multiprocessing
import multiprocessing.pool
import os
import subprocess
import sys
import threading
import time
import types
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

import hasten

LONG = 30.0


@pytest.fixture
def pool() -> Iterator[hasten.ThreadPool]:
    with hasten.ThreadPool(3) as made:
        yield made


def fail_on_odd(number: int) -> int:
    if number % 2:
        raise ValueError(number)
    return number


def run_script(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_results_are_the_standard_librarys(pool: hasten.ThreadPool) -> None:
    with multiprocessing.pool.ThreadPool(3) as standard:
        for chunksize in (None, 1, 7):
            assert pool.map(abs, range(-50, 50), chunksize) == standard.map(abs, range(-50, 50), chunksize)
            assert pool.starmap(pow, [(2, 3), (3, 2)], chunksize) == standard.starmap(pow, [(2, 3), (3, 2)], chunksize)
        assert list(pool.imap(abs, range(-9, 9), 4)) == list(standard.imap(abs, range(-9, 9), 4))
        assert sorted(pool.imap_unordered(abs, range(9))) == sorted(standard.imap_unordered(abs, range(9)))
        assert pool.apply(int, ("11",), {"base": 2}) == standard.apply(int, ("11",), {"base": 2})
        assert pool.map(abs, {1: 2, 3: 4}) == [1, 3]
        assert pool.map(abs, []) == [] and list(pool.imap(abs, ())) == []


def test_keyword_arguments_may_be_any_mapping(pool: hasten.ThreadPool) -> None:
    assert pool.apply(int, ("11",), types.MappingProxyType({"base": 2})) == 3
    with pytest.raises(TypeError):
        pool.apply(int, 5)  # type: ignore[arg-type]
    assert pool.apply(abs, (-1,)) == 1


def test_other_threads_get_on_while_tasks_never_enter_python(pool: hasten.ThreadPool) -> None:
    def is_seen_running() -> bool:
        result = pool.map_async(abs, range(3_000_000))
        is_running = not result.ready()
        result.wait(0.001)
        is_running = is_running and not result.ready()
        assert len(result.get(LONG)) == 3_000_000
        return is_running

    assert any(is_seen_running() for _ in range(10))  # the system may keep this thread from its processor for long


def test_results_are_of_the_standard_classes(pool: hasten.ThreadPool) -> None:
    assert isinstance(pool, multiprocessing.pool.ThreadPool)
    assert isinstance(pool.apply_async(abs, (1,)), multiprocessing.pool.ApplyResult)
    assert isinstance(pool.map_async(abs, [1]), multiprocessing.pool.MapResult)
    assert isinstance(pool.imap(abs, [1]), multiprocessing.pool.IMapIterator)


def test_tasks_run_side_by_side(pool: hasten.ThreadPool) -> None:
    barrier = threading.Barrier(3)
    assert sorted(pool.map(lambda _: barrier.wait(LONG), range(3), 1)) == [0, 1, 2]
    results = [pool.apply_async(barrier.wait, (LONG,)) for _ in range(3)]
    assert sorted(result.get(LONG) for result in results) == [0, 1, 2]
    assert sorted(pool.imap_unordered(lambda _: barrier.wait(LONG), range(3))) == [0, 1, 2]


def test_errors_can_be_returned(pool: hasten.ThreadPool) -> None:
    for found in (
        pool.map(fail_on_odd, range(4), 2, on_error="return"),
        list(pool.imap(fail_on_odd, range(4), on_error="return")),
    ):
        assert found[0] == 0 and found[2] == 2
        assert isinstance(found[1], ValueError) and found[3].args == (3,)
    with pytest.raises(ValueError, match='on_error must be "raise" or "return", not \'ignore\''):
        pool.map(abs, [1], on_error="ignore")  # type: ignore[arg-type]


def test_an_iteration_goes_on_behind_an_error(pool: hasten.ThreadPool) -> None:
    results = pool.imap(fail_on_odd, range(3))
    assert next(results) == 0
    with pytest.raises(ValueError, match="1"):
        next(results)
    assert next(results) == 2
    with pytest.raises(StopIteration):
        next(results)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_every_exception_of_a_task_reaches_its_result(pool: hasten.ThreadPool, kind: type[BaseException]) -> None:
    def task() -> None:
        raise kind("of a task")

    with pytest.raises(kind, match="of a task"):
        pool.apply(task)
    assert pool.map(abs, range(9)) == list(range(9))


def test_waiting_gives_up(pool: hasten.ThreadPool) -> None:
    release = threading.Event()
    begun: list[int] = []

    def task(number: int) -> None:
        begun.append(number)
        release.wait(LONG)

    with pytest.raises(TimeoutError, match="a thread can't be killed"):
        pool.map(task, range(50), 1, timeout=0.05)
    with pytest.raises(multiprocessing.TimeoutError):
        pool.apply(task, (99,), timeout=0.05)
    with pytest.raises(TimeoutError):
        next(pool.imap(task, [98], timeout=0.05))
    release.set()
    pool.close()
    pool.join()
    assert begun[:3] == [0, 1, 2] and 49 not in begun and 99 not in begun


def test_a_window_bounds_what_is_begun_unread(pool: hasten.ThreadPool) -> None:
    pulled: list[int] = []

    def source() -> Iterator[int]:
        for number in itertools.count():
            pulled.append(number)
            yield number

    results = pool.imap(abs, source(), window=5)
    for expected in range(20):
        assert next(results) == expected
        assert len(pulled) <= expected + 1 + 5
    del results
    pool.close()
    pool.join()
    assert len(pulled) <= 26


def test_without_a_window_everything_runs_unread(pool: hasten.ThreadPool) -> None:
    ran: list[int] = []
    pool.imap_unordered(ran.append, iter(range(100)))
    pool.close()
    pool.join()
    assert sorted(ran) == list(range(100))


def test_joining_lifts_the_windows(pool: hasten.ThreadPool) -> None:
    results = pool.imap(abs, range(100), window=2)
    pool.close()
    pool.join()
    assert list(results) == list(range(100))


def test_joining_ends_workers_that_slept_before_a_full_window() -> None:
    pool = hasten.ThreadPool(4)
    results = pool.imap(abs, range(50), window=1)
    time.sleep(0.02)  # the window is full, and all workers sleep
    pool.close()
    time.sleep(0.02)
    joining = hasten.Thread(target=pool.join, daemon=True)
    joining.start()
    joining.result(LONG)
    assert list(results) == list(range(50))


def test_an_input_that_blocks_keeps_one_worker_only(pool: hasten.ThreadPool) -> None:
    release = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        release.wait(LONG)
        yield 2

    results = pool.imap(abs, source())
    assert next(results) == 1
    assert pool.map(abs, range(-9, 0), 1) == list(range(9, 0, -1))
    release.set()
    assert next(results) == 2


def test_tasks_may_wait_for_tasks() -> None:
    with hasten.ThreadPool(1) as pool:

        def total(depth: int) -> int:
            if depth == 0:
                return 1
            return sum(pool.map(total, [depth - 1] * 2, 1)) + pool.apply(total, (0,)) + sum(pool.imap(total, [0]))

        assert pool.apply_async(total, (4,)).get(LONG) == 46


def test_context_variables_are_carried_along(pool: hasten.ThreadPool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    def look_and_spoil(_: int) -> str:
        seen = variable.get()
        variable.set("spoilt")
        return seen

    token = variable.set("mine")
    assert set(pool.map(look_and_spoil, range(20), 1)) == {"mine"}
    result = pool.apply_async(look_and_spoil, (0,))
    variable.reset(token)
    assert result.get() == "mine"
    assert set(pool.imap(look_and_spoil, range(5))) == {"none"}
    with hasten.ThreadPool(2, variable.set, ("of the thread",)) as prepared:
        assert set(prepared.map(look_and_spoil, range(20), 1)) == {"of the thread"}


def test_a_failing_initializer_fails_the_pool() -> None:
    release = threading.Event()

    def initializer() -> None:
        release.wait(LONG)
        raise ValueError("no database")

    with hasten.ThreadPool(2, initializer) as pool:
        result = pool.apply_async(abs, (1,))
        release.set()
        with pytest.raises(RuntimeError, match="initializer of the pool's threads raised ValueError: no database"):
            result.get(LONG)
        for thread in list(pool._pool):
            thread.join(LONG)
        with pytest.raises(RuntimeError, match="no database"):
            pool.apply(abs, (1,))


def test_initializers_that_fail_at_once_end_the_pool() -> None:
    ended = threading.Event()

    def fail() -> None:
        ended.set()
        raise ValueError("at once")

    for _ in range(20):
        with pytest.raises(RuntimeError, match="at once"):
            hasten.ThreadPool(8, fail).map(abs, [1])
    assert ended.is_set()


def test_a_chunk_may_be_larger_than_memory(pool: hasten.ThreadPool) -> None:
    for chunksize in (2**61, 10**18, 10**30):
        assert list(pool.imap(abs, range(-3, 0), chunksize)) == [3, 2, 1]
        assert pool.map(abs, range(-3, 0), chunksize) == [3, 2, 1]


def test_arguments_that_are_none_are_named(pool: hasten.ThreadPool) -> None:
    with pytest.raises(TypeError, match=r"args=3: the arguments of a task are a tuple; of a single one it is \(3,\)"):
        pool.apply_async(abs, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="kwds=3: the keyword arguments of a task are a dict"):
        pool.apply_async(abs, (), 3)  # type: ignore[arg-type]


def test_terminating_ends_what_has_not_begun() -> None:
    pool = hasten.ThreadPool(1)
    running = threading.Event()

    def task() -> str:
        running.set()
        while not hasten.current_thread().stopping:
            time.sleep(0.001)
        return "stopped"

    first = pool.apply_async(task)
    second = pool.apply_async(abs, (1,))
    third = pool.imap(abs, range(10))
    running.wait(LONG)
    pool.terminate()
    pool.join()
    assert first.get(LONG) == "stopped"
    with pytest.raises(CancelledError, match="terminated before this task began"):
        second.get(LONG)
    with pytest.raises(CancelledError):
        next(third)
    with pytest.raises(ValueError, match="Pool not running"):
        pool.apply(abs, (1,))


def test_callbacks_that_raise_do_not_stop_the_pool(pool: hasten.ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))
    result = pool.apply_async(abs, (-1,), callback=lambda value: 1 / 0)
    assert result.get(LONG) == 1
    assert isinstance(seen[0], ZeroDivisionError)
    errors: list[BaseException] = []
    with pytest.raises(ValueError, match="1"):
        pool.map_async(fail_on_odd, range(4), error_callback=errors.append).get(LONG)
    assert [type(error) for error in errors] == [ValueError]


def test_nothing_lingers(pool: hasten.ThreadPool) -> None:
    class Thing:
        pass

    def touch(thing: Thing) -> Thing:
        return thing

    things = [Thing() for _ in range(20)]
    references = [weakref.ref(thing) for thing in things]
    pool.map(touch, things, 3)
    assert len(list(pool.imap(touch, things))) == 20
    pool.apply(touch, (things[0],))
    del things
    gc.collect()
    assert [reference() for reference in references] == [None] * 20


def test_a_dropped_pool_lets_its_threads_go() -> None:
    pool = hasten.ThreadPool(2)
    threads = list(pool._pool)
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        del pool
        gc.collect()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()


def test_a_dropped_pool_does_what_was_submitted() -> None:
    release, done = threading.Event(), threading.Event()
    pool = hasten.ThreadPool(1)
    pool.apply_async(release.wait, (LONG,))
    pool.apply_async(done.set)
    values = pool.imap(abs, [-1, -2])
    del pool
    gc.collect()
    release.set()
    assert list(values) == [1, 2]
    assert done.wait(LONG)


def test_threads_are_known_to_threading(pool: hasten.ThreadPool) -> None:
    barrier = threading.Barrier(3)

    def look(_: int) -> tuple[str, bool, bool]:
        barrier.wait(LONG)
        thread = threading.current_thread()
        return thread.name, thread.daemon, thread in threading.enumerate()

    seen = pool.map(look, range(3), 1)
    assert {name for name, _, _ in seen} == {thread.name for thread in pool._pool}
    assert all(daemon and listed for _, daemon, listed in seen)


def test_a_forked_child_starts_anew(pool: hasten.ThreadPool) -> None:
    release = threading.Event()
    left_behind = pool.apply_async(release.wait, (LONG,))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = pool.map(abs, range(-9, 0), 1) == list(range(9, 0, -1))
            try:
                left_behind.get(LONG)
            except RuntimeError as error:
                good = good and "left behind by a fork" in str(error)
                status = 0 if good else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    release.set()
    assert left_behind.get(LONG) is True


def test_the_interpreter_ends_with_pools_at_work() -> None:
    shown = run_script(
        "import hasten, time\n"
        "pool = hasten.ThreadPool(3)\n"
        "pool.imap_unordered(time.sleep, [0.01] * 1000, window=5)\n"
        "pool.map_async(time.sleep, [0.01] * 100_000)\n"
        "time.sleep(0.05)\n"
        "pool._state = 'CLOSE'\n"
        "print('end')\n"
    )
    assert (shown.stdout, shown.stderr, shown.returncode) == ("end\n", "", 0)


def test_ctrl_c_ends_the_waiting() -> None:
    shown = run_script(
        "import hasten, os, signal, threading, time\n"
        "pool = hasten.ThreadPool(1)\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n"
        "    pool.apply(time.sleep, (30,))\n"
        "except KeyboardInterrupt:\n"
        "    os._exit(0)\n"
    )
    assert (shown.stderr, shown.returncode) == ("", 0)


def test_progress_is_shown(pool: hasten.ThreadPool, capsys: pytest.CaptureFixture[str]) -> None:
    assert pool.map(abs, range(-5, 0), 1, progress="five") == [5, 4, 3, 2, 1]
    assert "five: 100%" in capsys.readouterr().err
    assert list(pool.imap(abs, range(-5, 0), progress=True)) == [5, 4, 3, 2, 1]
    assert "5/5" in capsys.readouterr().err
    values = pool.imap(abs, [-1], progress=True, timeout=LONG)
    assert values.next() == 1
    with pytest.raises(StopIteration):
        values.next(timeout=LONG)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pool: pool.imap(abs, [1], 0), r"Chunksize must be 1\+, not 0"),
        (lambda pool: pool.imap(abs, [1], window=0), "window must be at least 1, or None, not 0"),
        (lambda pool: hasten.ThreadPool(0), "Number of processes must be at least 1, not 0"),
    ],
)
def test_bad_input_is_named(pool: hasten.ThreadPool, call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(pool)
