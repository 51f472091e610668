"""How things travel to other machines: as pickles, and what many of those need as parcels of its own.

What was defined in ``__main__`` goes by value (cloudpickle), for the workers' ``__main__`` is another program. The
buffers of arrays travel beside the pickles (protocol 5), so they are sent from where they are.

A parcel goes to each worker once, whatever the number of tasks that need it: a value that `hasten.share` got, or code
that was compiled here, which a worker of the same kind then need not compile.
"""

from __future__ import annotations

import collections
import contextlib
import pickle
import threading
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from hasten import _core
from hasten._dispatcher import collecting_dispatchers
from hasten._pool.pickling import packing

_PLAIN = frozenset({int, float, str, bytes, bool, type(None)})
# Compiled code that is larger is rather compiled anew.
_MOST_CODE_BYTES = 4 << 20
# Versions of functions whose code is kept for workers that have not got it yet.
_MOST_CODE = 256


class Packed:
    """A pickled object, and the buffers that travel beside the pickle.

    Attributes
    ----------
    parcels
        What it can't be loaded without. They travel on their own.
    """

    __slots__ = ("buffers", "parcels", "pickled")

    def __init__(self, pickled: bytes, buffers: Sequence[Any] = ()) -> None:
        self.pickled = pickled
        self.buffers = buffers
        self.parcels: tuple[Parcel, ...] = ()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Packed, (self.pickled, _carried(self.buffers, protocol))

    def __sizeof__(self) -> int:
        return self.nbytes

    @property
    def nbytes(self) -> int:
        """How many bytes there are to be sent."""
        return len(self.pickled) + sum(memoryview(buffer).nbytes for buffer in self.buffers)

    def load(self) -> Any:
        """Return the object, whose arrays are the buffers: to be called once."""
        return pickle.loads(self.pickled, buffers=self.buffers)

    def load_shared(self) -> Any:
        """Return the object; its arrays are the buffers too, but can't be written."""
        return pickle.loads(self.pickled, buffers=[memoryview(buffer).toreadonly() for buffer in self.buffers])


def _carried(buffers: Sequence[Any], protocol: int) -> list[Any]:
    carrier = pickle.PickleBuffer if protocol >= 5 else bytearray
    return [carrier(buffer) for buffer in buffers]


def pack(value: object, out_of_band: bool = True, pool: str | None = None) -> Packed:
    """Pickle a value.

    Parameters
    ----------
    out_of_band
        Whether it leaves this process, so that large buffers are left where they are; else they are copied.
    pool
        The pool whose workers it goes to: there, functions share what its initializer and its tasks have set.
    """
    if type(value) in (list, tuple) and _PLAIN.issuperset(map(type, value)):  # type: ignore[call-overload]
        return Packed(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    import cloudpickle

    buffers: list[pickle.PickleBuffer] = []
    file = BytesIO()
    keep = buffers.append if out_of_band else None
    if pool is None:
        pickler = cloudpickle.Pickler(file, pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
    else:
        from hasten.backends.namespaces import PoolPickler

        pickler = PoolPickler(pool, file, pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
    pickler.dump(value)
    return Packed(file.getvalue(), [buffer.raw() for buffer in buffers])


def pack_for_tasks(value: object, out_of_band: bool, pool: str) -> Packed:
    """Pickle a part of tasks, which may need parcels."""
    with _collecting() as parcels, collecting_dispatchers() as dispatchers:
        packed = pack(value, out_of_band, pool)
    if out_of_band:
        parcels.extend(_code_of(dispatchers))
    packed.parcels = tuple(dict.fromkeys(parcels))
    return packed


# --- parcels ---


class Parcel(Packed):
    """What goes to each worker once.

    Attributes
    ----------
    key
        What workers know it by.
    is_code
        Whether it is compiled code rather than a value.
    """

    __slots__ = ("__weakref__", "_lock", "_opened", "is_code", "key")

    def __init__(self, key: str, is_code: bool, pickled: bytes, buffers: Sequence[Any] = ()) -> None:
        super().__init__(pickled, buffers)
        self.key = key
        self.is_code = is_code
        self._lock = threading.Lock()
        self._opened: list[Any] = []

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Parcel, (self.key, self.is_code, self.pickled, _carried(self.buffers, protocol))

    def open(self) -> Any:
        """Return the value, the same each time; code is put into this process's cache."""
        with self._lock:
            if not self._opened:
                self._opened.append(self._import_code() if self.is_code else self.load_shared())
        return self._opened[0]

    def _import_code(self) -> Any:
        import numpy as np  # noqa: F401  (code is kept by NumPy's version, too, if that was imported before it was compiled)

        return _core.import_code(self.pickled)


@contextlib.contextmanager
def _collecting() -> Iterator[list[Parcel]]:
    """Collect what this thread pickles as parcels."""
    before, packing.parcels = packing.parcels, []
    try:
        yield packing.parcels
    finally:
        packing.parcels = before


def refer_to(parcel: Parcel) -> tuple[Any, ...]:
    """Return how the value of a parcel is pickled."""
    if packing.parcels is not None:
        packing.parcels.append(parcel)
    return _value_at_hand, (parcel.key,)


_code: collections.OrderedDict[bytes, Parcel] = collections.OrderedDict()  # by digest, used last at the end
_code_lock = threading.Lock()


def _code_of(dispatchers: Iterable[Any]) -> Iterator[Parcel]:
    """Yield the compiled code of functions, as far as it lies in the cache."""
    for dispatcher in dispatchers:
        for digest in dispatcher.cached_code():
            with _code_lock:
                parcel = _code.get(digest) or _new_code(dispatcher, digest)
                if parcel is None:
                    continue
                _code[digest] = parcel
                _code.move_to_end(digest)
                if len(_code) > _MOST_CODE:
                    _code.popitem(last=False)
            yield parcel


def _new_code(dispatcher: Any, digest: bytes) -> Parcel | None:
    code = dispatcher.export_code(digest)
    return None if code is None or len(code) > _MOST_CODE_BYTES else Parcel(digest.hex(), True, code)


# --- in a worker ---

_hand = threading.local()


@contextlib.contextmanager
def at_hand(parcels: Sequence[Parcel]) -> Iterator[None]:
    """Let this thread load what needs these parcels."""
    for parcel in parcels:
        if parcel.is_code:
            parcel.open()
    _hand.parcels = {parcel.key: parcel for parcel in parcels}
    try:
        yield
    finally:
        del _hand.parcels


def _value_at_hand(key: str) -> Any:
    return _hand.parcels[key].open()
