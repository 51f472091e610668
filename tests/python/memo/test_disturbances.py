"""Comparisons and finalisers that use the cache, in several threads: it stays whole, whatever its keywords."""

from __future__ import annotations

import contextlib
import gc
import random
import sys
import threading
from typing import Any

import pytest

import hasten

KEYWORDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lfu": {"policy": "lfu"},
    "s3fifo": {"policy": "s3fifo"},
    "bytes": {"max_bytes": 3000},
    "ttl": {"ttl": 1e-6},
    "flights": {"single_flight": True},
    "key": {"key": lambda *args, **named: args},
    "unbounded": {"maxsize": None},
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_user_code_may_do_anything_in_the_middle(name: str) -> None:
    chance = random.Random(name)

    def disturb() -> None:
        what = chance.random()
        if what < 0.02:
            cached.cache_clear()
        elif what < 0.03:
            gc.collect(0)
        elif what < 0.06:
            cached(Key(chance.randrange(30)))
        elif what < 0.08:
            cached.cache_put(None, Key(2))
        elif what < 0.1:
            cached.cache_contains(Key(3))
        elif what < 0.12:
            with contextlib.suppress(KeyError):
                cached.cache_pop(Key(chance.randrange(30)))

    class Key:
        def __init__(self, value: int) -> None:
            self.value = value

        def __hash__(self) -> int:
            return self.value % 5

        def __eq__(self, other: object) -> bool:
            disturb()
            return isinstance(other, Key) and self.value == other.value

    class Value:
        def __init__(self, key: int) -> None:
            self.key = key

        def __del__(self) -> None:
            disturb()

    @hasten.lru_cache(**{"maxsize": 7, **KEYWORDS[name]})
    def cached(key: Any, more: Any = None) -> Value:
        return Value(key.value)

    wrong: list[Any] = []

    def work() -> None:
        for _ in range(500):
            value = chance.randrange(30)
            for found in (cached(Key(value)), cached(Key(value), more=Key(value % 3))):
                if found is not None and found.key != value:
                    wrong.append((found.key, value))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert cached.cache_info().currsize <= (7 if KEYWORDS[name].get("maxsize", 7) else 1000)
