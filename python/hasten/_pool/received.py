"""What `share` has sent, in a worker."""

from __future__ import annotations

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import Any

    from hasten._worker import PoolWorker

_received: dict[bytes, Any] = {}  # by reference
_engines: list[PoolWorker] = []  # this worker's, if it is one


def serve_shared(engine: PoolWorker) -> None:
    """Let this process's tasks receive what was shared."""
    _engines[:] = [engine]


def drop_unshared() -> None:
    """Forget what the parent no longer shares."""
    if not _received:
        return
    (engine,) = _engines
    for reference in [one for one in _received if not engine.may_keep(one)]:
        del _received[reference]


def receive(reference: bytes) -> Any:
    """Return the value that a reference means."""
    try:
        return _received[reference]
    except KeyError:
        (engine,) = _engines
        value = engine.open(reference, 0, len(reference), is_writable=False)
        if engine.may_keep(reference):
            _received[reference] = value
        return value
