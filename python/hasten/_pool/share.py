"""``share``: a value that is sent to a pool once, for all tasks of all its calls."""

from __future__ import annotations

import pickle
import uuid
import weakref

from hasten._pool.pickling import dumps, packing
from hasten._pool.received import receive

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import Any

    from hasten._core import PoolCargo, PoolExchange
    from hasten.backends.packed import Parcel


def share(value: object) -> Shared:
    """Return a handle that stands for a value in the arguments of tasks.

    Where a task is given the handle, alone or inside of other objects, it gets the value, as it was when `share` was
    called. The value travels once to each pool that uses it, and each worker decodes it once. Its memory is freed when
    the handle has been collected and no task needs it any more.

    Since all tasks of a worker get one and the same object, arrays in it are write-protected; other objects must not
    be changed.

    Parameters
    ----------
    value
        Anything that can be pickled.

    Returns
    -------
    Shared
        The handle. Anywhere but in a pool's task it is pickled as the value itself.
    """
    return Shared(value)


class Shared:
    """What `share` returns."""

    def __init__(self, value: object) -> None:
        buffers: list[Any] = []
        self._pickled = dumps(value, buffers)
        self._buffers = [bytes(buffer.raw()) for buffer in buffers]
        self._parcel: Parcel | None = None
        self._blocks: weakref.WeakKeyDictionary[PoolExchange, PoolCargo] = weakref.WeakKeyDictionary()

    def __reduce__(self) -> tuple[Any, ...]:
        if packing.parcels is not None:
            return self._as_parcel()
        block = self._block()
        if block is None or packing.cargo is None:
            return _decode, (self._pickled, self._buffers)
        packing.cargo.append(block)
        return receive, (block.reference,)

    def _as_parcel(self) -> tuple[Any, ...]:
        from hasten.backends.packed import Parcel, refer_to

        if self._parcel is None:
            self._parcel = Parcel(uuid.uuid4().hex, False, self._pickled, self._buffers)
        return refer_to(self._parcel)

    def _block(self) -> PoolCargo | None:
        exchange = packing.exchange
        if exchange is None:
            return None
        block = self._blocks.get(exchange)
        if block is None:
            block = exchange.store(self._pickled, self._buffers)
            if block is not None:
                self._blocks[exchange] = block
        return block


def _decode(pickled: bytes, buffers: list[bytes]) -> Any:
    return pickle.loads(pickled, buffers=buffers)
