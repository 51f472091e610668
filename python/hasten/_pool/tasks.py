"""How a worker reads tasks and writes results: what it needs of `pickling`, with next to no imports."""

from __future__ import annotations

import _pickle as pickle  # what pickle imports takes a new worker milliseconds
import sys
from io import BytesIO

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hasten._worker import PoolWorker

# How the worker calls: f(item), f(*item), or f(*args, **kwargs) once.
MAP, STARMAP, APPLY = range(3)
CACHED = 8  # flag: the function goes by name, so that the worker may remember what the bytes mean

PROTOCOL = 5  # the highest of all Pythons that there are

_PLAIN = frozenset({int, float, str, bytes, bool, type(None)})
_REFUSALS = (pickle.PicklingError, AttributeError, TypeError)


def dumps_plainly(value: object, buffers: list[Any] | None = None) -> bytes:
    """Pickle a value as multiprocessing does; functions go by name alone.

    Where there is a list of `buffers`, those are put there rather than into the pickle.
    """
    if type(value) in _PLAIN or (type(value) in (tuple, list) and _PLAIN.issuperset(map(type, value))):  # type: ignore[call-overload]
        return pickle.dumps(value, PROTOCOL)
    keep_out = None if buffers is None else buffers.append
    if "multiprocessing.reduction" not in sys.modules:
        # What only multiprocessing can pickle is of its own making, but for sockets.
        try:
            return pickle.dumps(value, PROTOCOL, buffer_callback=keep_out)
        except _REFUSALS:
            if buffers is not None:
                buffers.clear()
    from multiprocessing.reduction import ForkingPickler

    buffer = BytesIO()
    ForkingPickler(buffer, PROTOCOL, True, keep_out).dump(value)
    return buffer.getvalue()


_functions: dict[bytes, Any] = {}


def decode_function(engine: PoolWorker, head: bytes) -> Any:
    """Return the function of a head that `encode_function` made."""
    return engine.open(head, 9, len(head))


def decode_task(payload: bytes, engine: PoolWorker) -> tuple[int, Callable[..., Any], Any]:
    """Return how to call, what to call, and the items."""
    mode = payload[0]
    length = 9 + int.from_bytes(payload[1:9], "little")
    if mode & CACHED:
        pickled = payload[9:length]
        function = _functions.get(pickled)
        if function is None:
            function = pickle.loads(pickled)
            if len(_functions) > 100:
                _functions.clear()
            _functions[pickled] = function
    else:
        function = engine.open(payload, 9, length)
    return mode & ~CACHED, function, engine.open(payload, length, len(payload))
