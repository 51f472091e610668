"""How tasks and results become bytes.

What plain pickle refuses (lambdas, functions of functions) goes through cloudpickle. What multiprocessing has reducers
for (connections, queues of managers) is reduced by them.
"""

from __future__ import annotations

import pickle
import threading

from hasten._mirror import original
from hasten._pool import main_module
from hasten._pool.tasks import CACHED, dumps_plainly

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from hasten._core import PoolCargo, PoolExchange
    from hasten.backends.packed import Parcel

    Anything = tuple[Any, ...]
else:
    Anything = tuple

# A pickle without buffers that is longer goes into shared memory, too.
_LONG = 64 << 10


def dumps(value: object, buffers: list[Any] | None = None) -> bytes:
    """Pickle a value, with cloudpickle where plain pickle can't, or where workers lack the main module."""
    try:
        pickled = dumps_plainly(value, buffers)
    except (pickle.PicklingError, AttributeError, TypeError) as refused:
        return _dumps_by_value(value, refused, buffers)
    if main_module.travels and b"__main__" in pickled:
        return _dumps_by_value(value, pickle.PicklingError("a part of the main module can't be pickled"), buffers)
    return pickled


def _dumps_by_value(value: object, refused: Exception, buffers: list[Any] | None) -> bytes:
    from hasten._pool import by_value

    if buffers is not None:
        buffers.clear()
    try:
        return by_value.dumps(value, buffers)
    except Exception:
        raise refused from None


class Payload(bytes):
    """What travels through a lane, with the blocks of shared memory that it refers to."""

    cargo: tuple[PoolCargo, ...] = ()
    exchange: PoolExchange | None = None


class Packing(threading.local):
    """The payload that this thread is making."""

    exchange: PoolExchange | None = None
    cargo: list[PoolCargo] | None = None  # of shared objects in it
    parcels: list[Parcel] | None = None  # of shared objects in what goes to a cluster


packing = Packing()


def _encode(value: object, exchange: PoolExchange | None) -> tuple[bytes, tuple[PoolCargo, ...]]:
    """Return a part of a payload: a pickle, or a reference to where one lies with its buffers."""
    buffers: list[Any] | None = None if exchange is None else []
    packing.exchange, packing.cargo = exchange, []
    try:
        pickled = dumps(value, buffers)
        shared = tuple(packing.cargo)
    finally:
        packing.exchange = packing.cargo = None
    if exchange is None or buffers is None or (not buffers and len(pickled) < _LONG):
        return pickled, shared
    part, cargo = exchange.pack(pickled, buffers)
    return part, cargo + shared


def encode_function(function: Callable[..., Any], mode: int, exchange: PoolExchange | None = None) -> Payload:
    """Return the first part of a task: how and what to call."""
    part, cargo = _encode(function, exchange)
    name = getattr(function, "__qualname__", "")
    by_name = name and not cargo and (isinstance(function, type) or getattr(function, "__self__", None) is None)
    # A function's pickle by name holds nothing but names; by value it is far longer.
    is_named = by_name and len(part) < 200 and name.encode() in part
    payload = Payload(bytes([mode | (CACHED if is_named else 0)]) + len(part).to_bytes(8, "little") + part)
    payload.cargo = cargo
    payload.exchange = exchange
    return payload


def is_named(head: bytes) -> bool:
    """Whether what `encode_function` made names a function, so that it means the same at any time."""
    return bool(head[0] & CACHED)


def encode_task(function: Payload, items: Sequence[Any]) -> bytes:
    """Return a whole task: the function as `encode_function` made it, and the items."""
    part, cargo = _encode(items, function.exchange)
    cargo = function.cargo + cargo
    if not cargo:
        return function + part
    payload = Payload(function + part)
    payload.cargo = cargo
    return payload


class Call(Anything):
    """The arguments of one call: a tuple and a dict."""

    __slots__ = ()


class Travelling:
    """A function that goes by value if it must, among things that multiprocessing pickles."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        """Call the function."""
        return self.function(*args)

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (dumps(self.function),)


def _standard(name: str) -> Any:
    # Late: workers whose tasks don't fail do without the module.
    return getattr(original("multiprocessing.pool"), name)


def describe_failure(error: BaseException, *value: object) -> bytes:
    """Return a task's failure as bytes that can always be read; `value` is the result that refused to be pickled."""
    if value:
        error, text = _unsendable(error, _repr_of(value[0])), None
    else:
        text = traceback_text(error)
    try:
        pickled = dumps(error)
    except Exception as refused:
        pickled = dumps(_unsendable(refused, _repr_of(error)))
    return pickle.dumps((pickled, text, _repr_of(error)), pickle.HIGHEST_PROTOCOL)


def _unsendable(refused: BaseException, shown: str) -> Any:
    """Return what says why a value can't be sent; `shown` represents the value, whose own `repr` may fail."""
    error = _standard("MaybeEncodingError")(None, None)
    error.exc, error.value = error.args = _repr_of(refused), shown
    return error


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an exception as that what shows it in another process prints."""
    try:
        import traceback  # late, as it takes milliseconds
    except (ImportError, OSError):  # as where the task has taken all descriptors
        return f'\n"""\n{_repr_of(error)}\n"""'
    return '\n"""\n' + "".join(traceback.format_exception(type(error), error, error.__traceback__)) + '"""'


def read_failure(failure: bytes) -> BaseException:
    """Return the exception that `describe_failure` described."""
    pickled, text, shown = pickle.loads(failure)
    try:
        error = pickle.loads(pickled)
        if not isinstance(error, BaseException):
            raise TypeError(f"{shown} was unpickled as an object of type {type(error).__name__}")
    except Exception as unreadable:
        error = _unsendable(unreadable, shown)
    if text is not None:
        error.__cause__ = _standard("RemoteTraceback")(text)
    travelled: BaseException = error
    return travelled


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__} whose repr fails>"
