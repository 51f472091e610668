"""Results of `apply_async` and `map_async`: how they become ready, whoever reads what the workers send."""

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import hasten
from tests.python.pool import tasks


class Thing(list[Any]):
    """A value that can be referred to weakly."""


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with hasten.Pool(2) as made:
        yield made


def test_calls_of_one_function_keep_their_own_options(pool: Any) -> None:
    assert pool.apply(tasks.square, (3,)) == 9
    assert isinstance(pool.apply(tasks.square, ("x",), on_error="return"), TypeError)
    with pytest.raises(TypeError):
        pool.apply(tasks.square, ("x",))
    with pytest.raises(ValueError, match="retries=-1"):
        pool.apply(tasks.square, (3,), retries=-1)
    assert pool.apply_async(tasks.identity, (4,)).get(30) == 4


def test_every_result_becomes_ready_though_another_is_waited_for(pool: Any) -> None:
    results = [pool.apply_async(tasks.square, (x,)) for x in range(500)]
    assert results[-1].get(30) == 499 * 499
    for result in results:
        result.wait(30)
    assert all(result.ready() and result.successful() for result in results)
    assert [result.get(0) for result in results] == [x * x for x in range(500)]


def test_failures_among_results_stay_with_their_calls(pool: Any) -> None:
    results = [pool.apply_async(tasks.square, ("x" if x % 3 == 0 else x,)) for x in range(60)]
    for x, result in enumerate(results):
        if x % 3 == 0:
            with pytest.raises(TypeError):
                result.get(30)
            assert not result.successful()
        else:
            assert result.get(30) == x * x


def test_an_unpickling_that_lets_other_threads_run_keeps_them_from_the_results(tmp_path: Path) -> None:
    permit = tmp_path / "permit"
    with hasten.Pool(1) as pool:
        results = pool.imap_unordered(partial(tasks.read_slowly_once_allowed, permit=str(permit)), range(10))
        time.sleep(0.3)  # a thread of the pool's waits for results now
        interval = sys.getswitchinterval()
        sys.setswitchinterval(10)
        try:
            permit.touch()
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                pass  # the results come, and that thread can't run before the first one's unpickling
            assert sorted(results) == list(range(10))
        finally:
            sys.setswitchinterval(interval)


def test_of_several_failures_of_a_map_one_is_raised_and_nothing_else_is_kept(pool: Any) -> None:
    came: list[Any] = []
    result = pool.map_async(tasks.square, ["x", 1, "y"], chunksize=1, callback=came.append)
    with pytest.raises(TypeError):
        result.get(30)
    assert result.value is None and came == []


def test_many_threads_wait_for_one_result(pool: Any, tmp_path: Path) -> None:
    result = pool.apply_async(tasks.meet, (str(tmp_path), "here", "go"))
    others = [pool.apply_async(tasks.square, (x,)) for x in range(50)]
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(result.get(30))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert [other.get(30) for other in others] == [x * x for x in range(50)]
    (tmp_path / "go").touch()
    for thread in threads:
        thread.join(30)
    assert len(got) == 5


def test_who_waits_while_the_callback_runs_gets_the_result(pool: Any) -> None:
    entered, may_leave = threading.Event(), threading.Event()

    def hold(value: int) -> None:
        entered.set()
        may_leave.wait(30)

    result = pool.apply_async(tasks.square, (3,), callback=hold)
    assert entered.wait(30)
    assert not result.ready()  # it is not over before its callback is
    got: list[int] = []
    waiter = threading.Thread(target=lambda: got.append(result.get(30)))
    waiter.start()
    may_leave.set()
    waiter.join(30)
    assert got == [9]


def test_results_that_are_finished_at_once_wake_coroutines(pool: Any) -> None:
    async def wait_for_all() -> list[int]:
        results = [pool.apply_async(tasks.square, (x,)) for x in range(50)]
        return [await result for result in [*results, results[0]]]

    assert asyncio.run(wait_for_all()) == [*(x * x for x in range(50)), 0]


def test_a_result_in_a_cycle_is_collected(pool: Any) -> None:
    results = [pool.apply_async(tasks.identity, (Thing([x]),)) for x in range(3)]
    values = [result.get(30) for result in results]
    for result, value in zip(results, values, strict=True):
        value.append(result)
    watched = [weakref.ref(value) for value in values]
    del result, value, results, values
    gc.collect()
    assert [one() for one in watched] == [None, None, None]


def test_a_pool_whose_results_nobody_reads_can_be_joined(tmp_path: Path) -> None:
    made = hasten.Pool(2)
    for x in range(300):
        made.apply_async(tasks.identity, (x,))
    made.close()
    made.join()
    assert not made._crew._active
