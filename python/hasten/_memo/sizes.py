"""How many bytes a value takes, for `max_bytes`."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

_CONTAINERS = (list, tuple, set, frozenset)
# Of larger containers so many items are measured, evenly chosen, and stand for the rest.
_SAMPLE = 1000


def size_of(value: Any) -> int:
    """Return the bytes of a value and of what it holds, each object once; buffers that it shares count in full."""
    return _size(value, set())


def _size(value: Any, seen: set[int]) -> int:
    total = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        kind = type(one)
        total += _own_size(one)
        if kind in _CONTAINERS:
            total += _add_items(one, waiting, seen)
        elif kind is dict:
            total += _add_items(one.keys(), waiting, seen) + _add_items(one.values(), waiting, seen)
        elif kind.__module__ not in ("builtins", "types"):
            attributes = getattr(one, "__dict__", None)
            if type(attributes) is dict:
                waiting.append(attributes)
    return total


def _own_size(value: Any) -> int:
    """Return the size of an object without what it refers to, whatever its class makes of the question."""
    try:
        own = sys.getsizeof(value, 64)
        nbytes = getattr(value, "nbytes", 0)
    except Exception:
        return 64
    return own + nbytes if isinstance(nbytes, int) and own < nbytes else own


def _add_items(items: Collection[Any], waiting: list[Any], seen: set[int]) -> int:
    """Queue the items of a container; of a large one, return an estimate instead."""
    if len(items) <= _SAMPLE:
        waiting.extend(items)
        return 0
    step = len(items) // _SAMPLE
    sample = [item for place, item in enumerate(items) if place % step == 0]
    return sum(_size(item, seen) for item in sample) * len(items) // len(sample)
