"""How many bytes a value takes, for `max_bytes`."""

from __future__ import annotations

import sys
from typing import Any

_CONTAINERS = (list, tuple, set, frozenset)


def size_of(value: Any) -> int:
    """Return the bytes of a value and of what it holds, each object once; buffers that it shares count in full."""
    total = 0
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        own = sys.getsizeof(one, 64)
        total += own
        kind = type(one)
        if kind in _CONTAINERS:
            waiting.extend(one)
        elif kind is dict:
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif kind.__module__ not in ("builtins", "types"):
            nbytes = getattr(one, "nbytes", 0)
            if isinstance(nbytes, int) and own < nbytes:
                total += nbytes
            attributes = getattr(one, "__dict__", None)
            if type(attributes) is dict:
                waiting.append(attributes)
    return total
