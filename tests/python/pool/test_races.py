"""Two things at once: a time-out and the result, the pool's end and a callback, a join and a death."""

import contextlib
import os
import signal
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
from hasten._pool.errors import WorkerDied

import hasten
from tests.python.pool import tasks

LONG = 60.0


@pytest.mark.parametrize("chunksize", [1, 8])
def test_a_task_that_ends_as_its_time_does_has_one_outcome(tmp_path: Path, chunksize: int) -> None:
    limit = 0.03
    seconds = [round(limit * (0.9 + 0.005 * step), 6) for step in range(32)]  # around the limit, each another
    arguments = [(str(tmp_path), one) for one in seconds]
    with hasten.Pool(2) as made:
        results = made.starmap(tasks.mark_and_sleep, arguments, chunksize=chunksize, timeout=limit, on_error="return")
        assert made.map(tasks.square, range(10)) == [x * x for x in range(10)]
    for one, result in zip(seconds, results, strict=True):
        mark = tmp_path / str(one)
        runs = mark.read_text() if mark.exists() else ""
        assert (result, runs) == (one, "x") or (isinstance(result, TimeoutError) and runs in ("", "x"))
    assert any(isinstance(result, TimeoutError) for result in results)


def test_a_pool_may_be_terminated_while_a_callback_runs() -> None:
    made = hasten.Pool(2)
    begun, released = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        released.wait(LONG)

    held = made.apply_async(tasks.square, (3,), callback=hold)
    others = [made.apply_async(tasks.sleep, (LONG,)) for _ in range(4)]
    assert begun.wait(LONG)
    ending = threading.Thread(target=made.terminate)
    ending.start()
    while not made._crew.is_terminated:
        time.sleep(0.001)
    released.set()
    ending.join(LONG)
    assert not ending.is_alive()
    made.join()
    assert held.get(LONG) == 9
    for other in others:
        with pytest.raises(CancelledError, match="terminated"):
            other.get(LONG)


def test_a_callback_may_terminate_its_pool() -> None:
    made = hasten.Pool(2)
    workers = list(made._pool)
    ended = threading.Event()

    def end(_: object) -> None:
        made.terminate()
        ended.set()

    other = made.apply_async(tasks.sleep, (LONG,))
    result = made.apply_async(tasks.square, (3,), callback=end)
    assert ended.wait(LONG)
    made.join()
    assert result.get(LONG) == 9
    with pytest.raises(CancelledError, match="terminated"):
        other.get(LONG)
    assert not any(process.is_alive() for process in workers)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("method", ["fork", "template"])
def test_join_waits_for_all_though_workers_die(number: signal.Signals, method: str) -> None:
    for turn in range(3):
        made: Any = hasten.get_context(method).Pool(2)
        result = made.map_async(tasks.busy_identity, range(200), chunksize=5, on_error="return")
        made.close()
        workers = list(made._pool)
        joining = threading.Thread(target=made.join)
        joining.start()
        time.sleep(0.01 * turn)
        for process in workers:
            with contextlib.suppress(ProcessLookupError):  # all may be done
                os.kill(process.pid, number)
        joining.join(LONG)
        assert not joining.is_alive()
        results = result.get(LONG)
        died = [one for one in results if isinstance(one, WorkerDied)]
        assert len(died) <= 2
        assert [one for one in results if one not in died] == [x for x in range(200) if results[x] not in died]
        assert not any(process.is_alive() for process in workers)
