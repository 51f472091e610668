"""Calls that a cache answers or fills, beside functools and others that are installed; arrays as arguments; disk."""

import functools
import importlib
import math
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import Comparison, Row, at_least, at_most, compare, installed, main, row, show, timed, times

import hasten

ENTRIES = 128
MEGABYTE = 1 << 20
Decorator = Callable[[Callable[..., Any]], Any]


def one(x: Any) -> Any:
    return x


def two(x: Any, y: Any) -> Any:
    return x


def decorators(**keywords: Any) -> dict[str, Decorator]:
    """Return the least-recently-used cache of each library that is there."""
    found: dict[str, Decorator] = {
        "hasten": hasten.lru_cache(ENTRIES, **keywords),
        "functools": functools.lru_cache(ENTRIES, **keywords),
    }
    if installed("cachetools"):
        cachetools = importlib.import_module("cachetools")
        key = importlib.import_module("cachetools.keys").typedkey if keywords else cachetools.keys.hashkey
        found["cachetools"] = cachetools.cached(cachetools.LRUCache(ENTRIES), key=key)
    if installed("cachebox"):
        cachebox = importlib.import_module("cachebox")
        maker = cachebox.make_typed_key if keywords else cachebox.make_key
        found["cachebox"] = cachebox.cached(cachebox.LRUCache(ENTRIES), key_maker=maker)
    if installed("theine") and not keywords:
        theine = importlib.import_module("theine")
        found["theine"] = theine.Memoize(ENTRIES, None)
    return found


CASES: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
    "hit, one int": (one, "f(5)", {}),
    "hit, one str": (one, "f('name')", {}),
    "hit, one float": (one, "f(1.5)", {}),
    "hit, two arguments": (two, "f(1, 2)", {}),
    "hit, a keyword": (two, "f(1, y=2)", {}),
    "hit, typed": (one, "f(5)", {"typed": True}),
    "100 hits in turn": (one, "for x in range(100): f(x)", {}),
    "1000 misses, each evicts": (one, "for x in range(1000): f(x)", {}),
}


def rows() -> list[Row]:
    found = []
    ratios = []
    for subject, (function, statement, keywords) in CASES.items():
        caches = {name: decorate(function) for name, decorate in decorators(**keywords).items()}
        compared = compare({name: timed(statement, 0.005, f=cache) for name, cache in caches.items()}, rounds=7)
        ratio = compared.ratio("functools", "hasten")
        ratios.append(ratio or 0.0)
        found.append(_row(f"cache: {subject}", compared, "not slower than functools", at_least(ratio, 1.0), ratio))
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    conditions = f"the {len(ratios)} rows above"
    found.append(
        Row("caches, geometric mean", {"over functools": times(mean)}, "at least 1.15 times", mean >= 1.15, conditions)
    )
    return [*found, _array_argument(), _disk_hit()]


def _row(subject: str, compared: Comparison, bound: str, is_met: bool | None, ratio: float | None) -> Row:
    return row(subject, compared, bound, is_met, f"functools takes {times(ratio)} as long", has_peer=False)


def _array_argument() -> Row:
    array = np.random.default_rng(1).random(MEGABYTE // 8)
    cached = hasten.lru_cache(one)
    contenders = {"hasten": timed("f(a)", 0.005, f=cached, a=array), "a copy": timed("a.copy()", 0.005, a=array)}
    if installed("joblib"):
        joblib = importlib.import_module("joblib")
        contenders["joblib.hash"] = timed("f(a)", 0.005, f=joblib.hash, a=array)
    compared = compare(contenders, rounds=7)
    limit = 60e-6
    met = at_most(compared.samples["hasten"].median, limit)
    return row("cache: hit with an array of 1 MB", compared, f"at most {show(limit)}", met, has_peer=False)


def _disk_hit() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        contenders: dict[str, Callable[[], float]] = {}
        cached = hasten.lru_cache(0, disk=f"{folder}/hasten")(_megabyte)
        cached(1)
        contenders["hasten"] = timed("f(1)", 0.005, f=cached)
        if installed("joblib"):
            memory = importlib.import_module("joblib").Memory(f"{folder}/joblib", verbose=0).cache(_megabyte)
            memory(1)
            contenders["joblib.Memory"] = timed("f(1)", 0.005, f=memory)
        if installed("diskcache"):
            store = importlib.import_module("diskcache").Cache(f"{folder}/diskcache")
            memoized = store.memoize()(_megabyte)
            memoized(1)
            contenders["diskcache"] = timed("f(1)", 0.005, f=memoized)
        compared = compare(contenders, rounds=7)
    limit = 300e-6
    met = at_most(compared.samples["hasten"].median, limit)
    return row("cache: hit on disk of an array of 1 MB", compared, f"at most {show(limit)}", met, has_peer=False)


def _megabyte(x: float) -> Any:
    return np.full(MEGABYTE // 8, x)


if __name__ == "__main__":
    main(rows)
