"""What `functools.lru_cache` promises, asked of both: the standard library's and Hasten's."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import hasten.functools
import pytest

import hasten

ENGINES: dict[str, Any] = {"functools": functools.lru_cache, "hasten": hasten.lru_cache}


@pytest.fixture(params=sorted(ENGINES))
def lru_cache(request: pytest.FixtureRequest) -> Any:
    return ENGINES[request.param]


def test_the_drop_in_offers_hastens() -> None:
    assert hasten.functools.lru_cache is hasten.lru_cache
    assert hasten.functools.cache is hasten.cache
    assert type(hasten.cache(len)).__module__ == "hasten._core"


@hasten.lru_cache
def by_name(x: int) -> int:
    return x


def test_it_pickles_by_its_name_and_copies_as_itself() -> None:
    assert pickle.loads(pickle.dumps(by_name)) is by_name
    assert copy.copy(by_name) is by_name
    assert copy.deepcopy(by_name) is by_name
    assert weakref.ref(by_name)() is by_name


def test_the_least_recently_used_goes(lru_cache: Any) -> None:
    called = []

    @lru_cache(maxsize=3)
    def f(x: Any) -> Any:
        called.append(x)
        return x

    for x in (1, 2, 3, 1, 4, 1, 3, 2, 5, 4):
        assert f(x) == x
    assert called == [1, 2, 3, 4, 2, 5, 4]
    assert f.cache_info() == (3, 7, 3, 3)
    f.cache_clear()
    assert f.cache_info() == (0, 0, 3, 0)


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("maxsize", [None, 5, 100, 0])
def test_hits_and_misses_are_those_of_functools(maxsize: int | None, typed: bool) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (args, named)
        for args in (
            (),
            (1,),
            (1.0,),
            (True,),
            ("a",),
            ((),),
            ((1,),),
            (1, 2),
            (1.0, 2),
            (10**30,),
            (-1,),
            (-2,),
            (None,),
        )
        for named in ({}, {"k": 1}, {"k": 1.0}, {"j": 1, "k": 2}, {"k": 2, "j": 1})
    ]
    seen: list[Any] = []
    for make in ENGINES.values():
        answers = []
        f = make(maxsize=maxsize, typed=typed)(lambda *args, **named: (args, named))
        for args, named in [*calls, *calls, *calls[::-1], *calls[::3]]:
            answers.append(repr(f(*args, **named)))
        seen.append((answers, tuple(f.cache_info())))
    assert seen[0] == seen[1]


class Odd:
    """Counts its hashes, and runs `action` when it is compared."""

    def __init__(self) -> None:
        self.hashes = 0
        self.action: Callable[[], object] = lambda: None

    def __hash__(self) -> int:
        self.hashes += 1
        return 7

    def __eq__(self, other: object) -> bool:
        self.action()
        return isinstance(other, Odd)


def test_an_argument_is_hashed_once_a_call(lru_cache: Any) -> None:
    f = lru_cache()(lambda *args, **named: 0)
    x = Odd()
    f(x)
    assert x.hashes == 1
    f(x, 1, k=x)
    assert x.hashes == 3
    f(x)
    assert x.hashes == 4


@pytest.mark.parametrize("maxsize", [None, 2])
def test_a_comparison_may_change_the_cache(lru_cache: Any, maxsize: int | None) -> None:
    @lru_cache(maxsize=maxsize)
    def f(x: object, y: int = 0) -> int:
        return y

    once = [True]

    def disturb() -> None:
        if once:
            once.clear()
            f.cache_clear()
            for i in range(100):
                f(i, i)

    stored = Odd()
    f(stored, 5)
    stored.action = disturb
    assert f(Odd(), 5) == 5
    assert f(99, 99) == 99
    assert f.cache_info().currsize == (101 if maxsize is None else 2)


def test_a_comparison_that_fails_is_reported(lru_cache: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    f = lru_cache()(lambda x: 0)
    stored = Odd()
    f(stored)
    stored.action = fail
    with pytest.raises(ZeroDivisionError):
        f(Odd())
    assert f.cache_info()[:2] == (0, 1)


def test_what_is_evicted_may_use_the_cache(lru_cache: Any) -> None:
    class Last:
        def __del__(self) -> None:
            f(-1)
            f.cache_clear()

    @lru_cache(maxsize=2)
    def f(x: int) -> object:
        return Last() if x >= 0 else None

    for x in range(50):
        f(x)
    f.cache_clear()
    assert f.cache_info().currsize <= 1


def test_recursion_and_its_limit(lru_cache: Any) -> None:
    @lru_cache(maxsize=None)
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(100) == 354224848179261915075
    assert fibonacci.cache_info() == (98, 101, None, 101)

    @lru_cache(maxsize=None)
    def endless(n: int) -> int:
        return endless(n + 1)

    with pytest.raises(RecursionError):
        endless(0)


def test_methods_of_every_kind(lru_cache: Any) -> None:
    class C:
        @lru_cache()
        def plain(self, x: int) -> Any:
            return self, x

        @classmethod
        @lru_cache()
        def of_class(cls, x: int) -> Any:
            return cls, x

        @staticmethod
        @lru_cache()
        def static(x: int) -> Any:
            return x

    a, b = C(), C()
    assert (a.plain(1), b.plain(1), a.plain(1)) == ((a, 1), (b, 1), (a, 1))
    assert C.plain.cache_info()[:2] == (1, 2)
    assert a.of_class(1) == C.of_class(1) == (C, 1)
    assert C.of_class.cache_info()[:2] == (1, 1)
    assert a.static(3) == C.static(3) == 3
    assert C.plain(a, 1) == (a, 1)


def test_exceptions_are_not_remembered(lru_cache: Any) -> None:
    called = []

    @lru_cache()
    def f(x: int) -> None:
        called.append(x)
        raise KeyError(x)

    for _ in range(2):
        with pytest.raises(KeyError):
            f(1)
    assert called == [1, 1]
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        f([])


def test_threads_with_one_key_all_run(lru_cache: Any) -> None:
    barrier = threading.Barrier(4)

    @lru_cache(maxsize=1)
    def f(x: int) -> int:
        barrier.wait()
        return x

    threads = [threading.Thread(target=f, args=(3,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert f.cache_info() == (0, 4, 1, 1)


def test_threads_leave_the_cache_whole(lru_cache: Any) -> None:
    @lru_cache(maxsize=50)
    def f(x: int, y: str = "") -> tuple[int, str]:
        return x, y

    def work(seed: int) -> None:
        for i in range(3000):
            x = (i * seed) % 97
            assert f(x, y=str(x)) == (x, str(x))
            assert f(x) == (x, "")
            if i % 500 == 0:
                f.cache_clear()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert f.cache_info().currsize <= 50


def test_a_cycle_through_the_cache_is_collected(lru_cache: Any) -> None:
    class Big:
        pass

    @lru_cache()
    def f(x: int) -> Any:
        big = Big()
        big.cache = caches[0]  # type: ignore[attr-defined]
        return big

    caches = [f]
    big = weakref.ref(f(1))
    del f
    caches.clear()
    gc.collect()
    assert big() is None


def test_references_are_balanced(lru_cache: Any) -> None:
    keys, values = [object() for _ in range(5)], [object() for _ in range(5)]
    before = [sys.getrefcount(x) for x in (*keys, *values)]
    f = lru_cache(maxsize=3)(lambda i, *, key: values[i])
    for _ in range(3):
        for i in (0, 0, 1, 2, 3, 4):
            f(i, key=keys[i])
    f.cache_clear()
    assert [sys.getrefcount(x) for x in (*keys, *values)] == before


def test_parameters_and_wrong_ones() -> None:
    assert hasten.lru_cache(maxsize=-3)(len).cache_parameters() == {"maxsize": 0, "typed": False}
    assert hasten.lru_cache(typed=True)(len).cache_parameters() == {"maxsize": 128, "typed": True}
    assert hasten.cache(len).cache_parameters() == {"maxsize": None, "typed": False}
    assert hasten.cache(len).__wrapped__ is len
    with pytest.raises(TypeError, match="Expected first argument to be an integer, a callable, or None"):
        hasten.lru_cache("many")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="must be callable"):
        hasten.lru_cache(3)(4)  # type: ignore[arg-type]


def test_subclasses_call_as_fast_and_bind() -> None:
    base: Any = type(hasten.cache(len))

    class Mine(base):  # type: ignore[misc]
        pass

    mine = Mine(lambda self, x: x, None, False, tuple)
    assert (mine(0, 1), mine(0, 1)) == (1, 1)
    assert type("C", (), {"m": mine})().m(4) == 4


def test_compiled_code_calls_what_is_cached() -> None:
    @hasten.lru_cache(maxsize=None)
    @hasten.njit
    def square(x):
        return x * x

    @hasten.njit
    def total(n):
        found = 0
        for i in range(n):
            found += square(i)
        return found

    assert total(10) == sum(i * i for i in range(10))
    assert (square(3), square(3), square.cache_info().hits) == (9, 9, 1)
