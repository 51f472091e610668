"""One of several callers computes; nobody waits for itself, nor in a circle."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

import hasten


def in_threads(count: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return what the calls return or raise."""
    answers: list[Any] = [None] * count

    def run(index: int) -> None:
        try:
            answers[index] = function(*arguments)
        except Exception as error:
            answers[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return answers


def wait_for_misses(cached: Any, count: int) -> None:
    while cached.cache_info().misses < count:
        threading.Event().wait(0.001)


def test_one_thread_computes() -> None:
    calls = []

    @hasten.cache(single_flight=True)
    def f(x: int) -> object:
        calls.append(x)
        wait_for_misses(f, 8)
        return object()

    answers = in_threads(8, f, 1)
    assert calls == [1]
    assert len({id(answer) for answer in answers}) == 1
    assert f(1) is answers[0]


def test_an_error_is_everybodys_and_is_forgotten() -> None:
    calls = []

    @hasten.cache(single_flight=True)
    def f(x: int) -> object:
        calls.append(x)
        wait_for_misses(f, 4)
        raise KeyError(x)

    answers = in_threads(4, f, 1)
    assert len(calls) >= 1 and all(isinstance(answer, KeyError) for answer in answers)
    with pytest.raises(KeyError):
        f(1)


def test_recursion_with_the_same_key_computes_again() -> None:
    depth = []

    @hasten.cache(single_flight=True)
    def f(x: int) -> int:
        depth.append(x)
        return f(x) + 1 if len(depth) < 5 else 0

    assert f(1) == 4


def test_two_that_need_each_other_both_end() -> None:
    both = threading.Barrier(2, timeout=60)
    first = threading.local()

    @hasten.cache(single_flight=True)
    def f(x: int) -> int:
        if not getattr(first, "done", False):
            first.done = True
            both.wait()
            return f(1 - x) + 1
        return 0

    answers: list[int] = []
    threads = [threading.Thread(target=lambda x=x: answers.append(f(x))) for x in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(answers) == 2


def test_comparisons_may_call_the_cache_and_fail() -> None:
    class Key:
        action: Callable[[], object] = staticmethod(lambda: None)

        def __init__(self, value: int) -> None:
            self.value = value

        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            Key.action()
            return isinstance(other, Key) and self.value == other.value

    calls = []

    @hasten.lru_cache(maxsize=0, single_flight=True)
    def f(key: Key) -> int:
        calls.append(key.value)
        if key.value == 1 and len(calls) == 1:
            assert f(Key(2)) == 2  # another flight under the same hash
            Key.action = fail
        return key.value

    def fail() -> None:
        Key.action = lambda: None
        raise ZeroDivisionError

    key = Key(1)
    assert f(key) == 1
    Key.action = lambda: None
    assert (f(Key(1)), f(key)) == (1, 1)
    assert calls == [1, 2, 1, 1]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_leaves_no_flight_behind() -> None:
    started, go = threading.Event(), threading.Event()

    @hasten.cache(single_flight=True)
    def f(x: int) -> int:
        if threading.current_thread() is not threading.main_thread():
            started.set()
            go.wait(60)
        return x

    thread = threading.Thread(target=f, args=(1,))
    thread.start()
    started.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if f(1) == 1 else 1)
    _, status = os.waitpid(child, 0)
    go.set()
    thread.join()
    assert status == 0


def test_coroutines_are_remembered_by_what_they_give() -> None:
    calls = []

    @hasten.lru_cache
    async def f(x: int) -> int:
        calls.append(x)
        await asyncio.sleep(0)
        return x

    class C:
        @hasten.lru_cache(per_instance=True)
        async def m(self, x: int) -> int:
            return x + 1

    async def program() -> None:
        assert [await f(1), await f(1), await f(2)] == [1, 1, 2]
        c = C()
        assert [await c.m(1), await c.m(1)] == [2, 2]
        assert c.m.cache_info()[:2] == (1, 1)

    asyncio.run(program())
    assert calls == [1, 2]
    assert asyncio.iscoroutinefunction(f)
    assert f.cache_info()[:2] == (1, 2)
    asyncio.run(program())


def test_one_task_computes_and_survives_its_callers() -> None:
    calls = []

    @hasten.cache(single_flight=True)
    async def f(x: int) -> int:
        calls.append(x)
        await asyncio.sleep(0.01)
        if x < 0:
            raise KeyError(x)
        return x

    async def program() -> None:
        assert await asyncio.gather(*(f(1) for _ in range(10))) == [1] * 10
        answers = await asyncio.gather(*(f(-1) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(answer, KeyError) for answer in answers)
        assert calls == [1, -1]
        first, second = asyncio.create_task(f(2)), asyncio.create_task(f(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 2
        assert calls == [1, -1, 2]
        only = asyncio.create_task(f(3))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        only.cancel()
        with pytest.raises(asyncio.CancelledError):
            await only
        assert not f.cache_contains(3)
        assert await f(3) == 3

    asyncio.run(program())


def test_tasks_that_need_each_other_end() -> None:
    calls: list[int] = []

    @hasten.cache(single_flight=True)
    async def f(x: int) -> int:
        calls.append(x)
        await asyncio.sleep(0)
        return await f(1 - x) + 1 if len(calls) < 4 else 0

    async def program() -> tuple[int, int]:
        return await asyncio.wait_for(asyncio.gather(f(0), f(1)), 60)

    assert len(asyncio.run(program())) == 2
