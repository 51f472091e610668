"""What the keywords of `hasten.lru_cache` add to functools' contract."""

from __future__ import annotations

import functools
import gc
import pickle
import sys
import weakref
from typing import Any

import numpy as np
import pytest
from hasten._memo import CacheInfo
from hasten._memo.sizes import size_of

import hasten


class Counted:
    """A function of anything that counts its calls."""

    def __init__(self, **keywords: Any) -> None:
        self.calls = 0

        def f(*args: Any, **named: Any) -> Any:
            self.calls += 1
            return self.calls

        self.cached: Any = hasten.lru_cache(**keywords)(f)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.cached(*args, **named)

    def distinguishes(self, *values: Any) -> bool:
        """Whether all of the values have keys of their own, now and at a second call."""
        first = [self(value) for value in values]
        return len(set(first)) == len(values) and [self(value) for value in values] == first


def test_information_is_functools_and_more() -> None:
    f = Counted(ttl=60)
    f(1), f(1)
    info: Any = f.cached.cache_info()
    assert issubclass(type(info), tuple)
    assert tuple.__eq__(info, (1, 1, 128, 1))
    assert tuple(info) == functools.lru_cache(len).cache_info()._replace(hits=1, misses=1, currsize=1)
    hits, misses, maxsize, currsize = info
    assert (hits, misses, maxsize, currsize) == (1, 1, 128, 1)
    assert repr(info) == "CacheInfo(hits=1, misses=1, maxsize=128, currsize=1)"
    assert info.bytes > 0 and info.time_saved > 0 and info.disk_hits == 0
    assert pickle.loads(pickle.dumps(info)).bytes == info.bytes
    plain = hasten.lru_cache(len).cache_info()
    assert type(plain) is CacheInfo and plain.bytes is None and plain.time_saved is None


def test_values_expire() -> None:
    now, later = Counted(ttl=1e-9), Counted(ttl=3600, maxsize=None)
    assert [now(1), now(1), now(1)] == [1, 2, 3]
    assert now.cached.cache_info()[:2] == (0, 3)
    assert not now.cached.cache_contains(1)
    assert [later(1), later(1)] == [1, 1]


def test_what_has_expired_does_not_pile_up() -> None:
    f = Counted(ttl=1e-9, maxsize=None)
    for i in range(1000):
        f(i)
    assert f.cached.cache_info().currsize <= 1


def test_values_take_at_most_so_many_bytes() -> None:
    @hasten.cache(max_bytes=10_000)
    def f(x: int, size: int) -> bytes:
        return bytes(size)

    for i in range(50):
        f(i, 1000)
        assert (f.cache_info().bytes or 0) < 12_000  # with the table itself
    assert 5 < f.cache_info().currsize < 10
    assert f.cache_contains(49, 1000) and not f.cache_contains(1, 1000)
    f(99, 20_000)
    assert not f.cache_contains(99, 20_000)
    assert f.cache_contains(49, 1000)


def test_sizes_count_what_is_held() -> None:
    base = size_of([])
    assert size_of(["a" * 1000] * 3) < base + 1200
    assert size_of({"k": [bytes(500), bytes(600)]}) > 1100
    array = np.zeros(1000)
    assert size_of(array) >= 8000 and size_of(array[:500]) >= 4000
    many = [bytes(100) for _ in range(50_000)]
    assert 0.9 < size_of(many) / (sys.getsizeof(many) + 50_000 * sys.getsizeof(many[0])) < 1.1
    loop: list[Any] = []
    loop.append(loop)
    assert size_of(loop) > 0


@pytest.mark.parametrize("policy", ["lru", "lfu", "s3fifo"])
def test_every_policy_bounds_the_cache(policy: str) -> None:
    f = Counted(maxsize=20, policy=policy)
    for i in range(500):
        f(i % 37)
        f(i % 5)
        assert f.cached.cache_info().currsize <= 20
    assert f.cached.cache_info().hits > 100


def test_lfu_keeps_what_is_used_often() -> None:
    f = Counted(maxsize=3, policy="lfu")
    for _ in range(5):
        f("often")
    for i in range(100):
        f(i)
    assert f.cached.cache_contains("often")
    assert f("often") == 1


def test_keys_may_be_made_by_a_function() -> None:
    f = Counted(key=lambda x, **named: x["id"])
    assert f({"id": 1, "text": "a"}) == f({"id": 1, "text": "b"}, more=3) == 1
    assert f({"id": [2]}) == f({"id": [2]}) == 2


def test_parameters_may_be_left_out() -> None:
    calls: list[float] = []

    @hasten.cache(ignore=("log", "verbose"))
    def f(x: int, log: Any = None, *, verbose: bool = False) -> int:
        calls.append(x)
        return x

    f(1, print), f(1, None, verbose=True), f(1, log=3), f(1)
    assert calls == [1]
    with pytest.raises(ValueError, match=r"ignore='lgo': .* has no such parameter; it has x"):
        hasten.cache(ignore="lgo")(lambda x: x)

    @hasten.cache(ignore="rest", typed=True)
    def g(x: float, *rest: Any) -> float:
        calls.append(x)
        return x

    g(5, 1, 2), g(5, 3), g(5.0)
    assert calls == [1, 5, 5.0]


def test_arrays_count_by_content_layout_and_type() -> None:
    f = Counted()
    a = np.arange(12.0).reshape(3, 4)
    assert f(a) == f(a.copy()) == 1
    variants = [a, a.astype("f4"), a.reshape(4, 3), np.asfortranarray(a), a + 1, a.T, a[:, ::2], a.view("i8")]
    assert Counted().distinguishes(*variants)
    assert Counted().distinguishes(np.array(5), np.array([5]), np.zeros(0), np.zeros((0, 3)), np.array(["a"], object))
    assert Counted().distinguishes(
        np.array(["2020"], "M8[Y]"), np.array(["2021"], "M8[Y]"), np.ma.array([1, 2], mask=[False, True])
    )
    a[0, 0] = 99  # what is changed in place has another key
    assert f(a) == 2
    assert f(1, x=a) == f(1, x=a.copy()) == 3
    records = np.zeros(3, [("x", "f8"), ("y", "i4")])
    assert f(records) == f(records.copy())


def test_without_keywords_lists_are_errors_as_with_functools() -> None:
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        Counted()([1])
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        Counted(content=False, ttl=9)([1])


def test_containers_count_by_content() -> None:
    f = Counted(content=True)
    assert f.distinguishes([1, 2], (1, 2), {1, 2}, {1: 2}, [[1, 2]], [1, [2]], bytearray(b"ab"), b"ab", [], {}, set())
    assert f({"a": [1, {2}]}) == f({"a": [1, {2}]})
    assert f.distinguishes({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert f([np.ones(3)]) == f([np.ones(3)]) != f([np.zeros(3)])


class Point:
    """Can be pickled, but not hashed."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.x == other.x


def test_what_can_be_pickled_counts_by_content() -> None:
    f = Counted(content=True)
    assert f(Point(1)) == f(Point(1)) != f(Point(2))
    bad = Point(3)
    bad.x = lambda: 0  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"'Point' can be neither hashed nor pickled .* ignore=.* key="):
        f(bad)


def test_caches_over_caches_keep_apart() -> None:
    calls = []

    @hasten.cache(single_flight=True)
    @hasten.cache(ttl=60, key=lambda x: x % 10)
    def f(x: int) -> int:
        calls.append(x)
        return x

    assert [f(1), f(11), f(1)] == [1, 1, 1]
    assert calls == [1]
    assert f.cache_info()[:2] == (1, 2)
    assert f.cache_parameters() == {"maxsize": None, "typed": False, "single_flight": True}


def test_values_can_be_asked_for_put_and_taken() -> None:
    for f in (Counted(), Counted(single_flight=True), Counted(max_bytes=10**6), Counted(key=lambda *args: args)):
        assert not f.cached.cache_contains(1, 2)
        f.cached.cache_put("value", 1, 2)
        assert f.cached.cache_contains(1, 2)
        assert f(1, 2) == "value"
        f.cached.cache_put("other", 1, 2)
        assert f.cached.cache_pop(1, 2) == "other"
        with pytest.raises(KeyError, match="no value for these arguments"):
            f.cached.cache_pop(1, 2)
        assert f.calls == 0
    with pytest.raises(TypeError, match="the value is missing"):
        Counted().cached.cache_put()


def test_a_hit_hashes_once_with_keywords_too() -> None:
    class Key:
        hashes = 0

        def __hash__(self) -> int:
            Key.hashes += 1
            return 5

    f, key = Counted(ttl=60), Key()
    f(key)
    before = Key.hashes
    f(key)
    assert Key.hashes == before + 1


def test_an_instance_does_not_live_for_its_cache() -> None:
    class C:
        calls = 0

        @hasten.lru_cache(per_instance=True)
        def f(self, x: Any, y: int = 0) -> Any:
            """Say."""
            self.calls += 1
            return self.calls

    a, b = C(), C()
    assert (a.f(1), a.f(1), a.f([1]), a.f([1]), b.f(1), C.f(a, 1)) == (1, 1, 2, 2, 1, 1)
    assert a.f.cache_info()[:2] == (3, 2)
    assert a.f.cache_contains(1) and not a.f.cache_contains(2)
    a.f.cache_put("put", 2)
    assert a.f(2) == "put" and a.f.cache_pop(2) == "put"
    a.f.cache_clear()
    assert (a.f(1), b.f(1)) == (3, 1)
    kept = a.f
    reference = weakref.ref(a)
    del a
    assert kept(1) == 3  # a method holds its instance, as all do
    del kept
    gc.collect()
    assert reference() is None
    assert len(C.f.cache_info()) == 1
    assert C.f.__name__ == "f" and C.f.__doc__ == "Say."
    with pytest.raises(TypeError, match="__weakref__"):
        type("S", (), {"__slots__": (), "f": hasten.cache(per_instance=True)(lambda self: 0)})().f()


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"ttl": 0}, ValueError, "ttl=0: .* a number of seconds above 0"),
        ({"ttl": "1h"}, ValueError, "ttl='1h'"),
        ({"max_bytes": -1}, ValueError, "max_bytes=-1: .* above 0"),
        ({"policy": "fifo"}, ValueError, "policy='fifo': .* lru, lfu, s3fifo"),
        ({"key": 3}, TypeError, "key=3"),
        ({"key": len, "ignore": "x"}, ValueError, "exclude each other"),
        ({"disk": 5}, TypeError, "disk=5"),
        ({"size": 5}, TypeError, "no keyword 'size'; .* max_bytes"),
    ],
)
def test_wrong_keywords_are_named(keywords: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        hasten.lru_cache(**keywords)


def test_parameters_tell_what_was_asked_for() -> None:
    f = hasten.lru_cache(maxsize=5, ttl=3, policy="lfu")(len)
    assert f.cache_parameters() == {"maxsize": 5, "typed": False, "ttl": 3, "policy": "lfu"}


def test_references_are_balanced_with_keywords() -> None:
    keys, values = [Point(i) for i in range(5)], [object() for _ in range(5)]
    before = [sys.getrefcount(x) for x in (*keys, *values)]
    f = hasten.lru_cache(maxsize=3, ttl=60, single_flight=True, max_bytes=10**6)(lambda i, key: values[i])
    for _ in range(3):
        for i in (0, 0, 1, 2, 3, 4):
            f(i, key=keys[i])
            f.cache_put(values[i], "put", keys[i])
            f.cache_pop("put", keys[i])
    f.cache_clear()
    gc.collect()
    assert [sys.getrefcount(x) for x in (*keys, *values)] == before
