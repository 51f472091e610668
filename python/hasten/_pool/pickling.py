"""How tasks and results become bytes.

What plain pickle refuses (lambdas, functions of functions) goes through cloudpickle. What multiprocessing has reducers
for (connections, queues of managers) is reduced by them.
"""

import pickle
import traceback
from collections.abc import Callable, Sequence
from io import BytesIO
from multiprocessing.reduction import ForkingPickler
from typing import Any

from hasten._mirror import original
from hasten._pool import main_module

# How the worker calls: f(item), f(*item), or f(*args, **kwargs) once.
MAP, STARMAP, APPLY = range(3)
_CACHED = 8  # flag: the function goes by name, so that the worker may remember what the bytes mean

_PLAIN = frozenset({int, float, str, bytes, bool, type(None)})


def dumps(value: object) -> bytes:
    """Pickle a value, with cloudpickle where plain pickle can't, or where workers lack the main module."""
    try:
        pickled = dumps_plainly(value)
    except (pickle.PicklingError, AttributeError, TypeError) as refused:
        return _dumps_by_value(value, refused)
    if main_module.travels and b"__main__" in pickled:
        return _dumps_by_value(value, pickle.PicklingError("a part of the main module can't be pickled"))
    return pickled


def dumps_plainly(value: object) -> bytes:
    """Pickle a value as multiprocessing does; functions go by name alone."""
    if type(value) in _PLAIN or (type(value) in (tuple, list) and _PLAIN.issuperset(map(type, value))):  # type: ignore[call-overload]
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    buffer = BytesIO()
    ForkingPickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def _dumps_by_value(value: object, refused: Exception) -> bytes:
    from hasten._pool import by_value

    try:
        return by_value.dumps(value)
    except Exception:
        raise refused from None


def encode_function(function: Callable[..., Any], mode: int) -> bytes:
    """Return the first part of a task: how and what to call."""
    pickled = dumps(function)
    by_name = isinstance(function, type) or getattr(function, "__self__", None) is None
    # A function's pickle by name holds nothing but names; by value it is far longer.
    is_named = by_name and len(pickled) < 200 and getattr(function, "__qualname__", "?").encode() in pickled
    return bytes([mode | (_CACHED if is_named else 0)]) + len(pickled).to_bytes(8, "little") + pickled


def is_named(head: bytes) -> bool:
    """Whether what `encode_function` made names a function, so that it means the same at any time."""
    return bool(head[0] & _CACHED)


def encode_task(function: bytes, items: Sequence[Any]) -> bytes:
    """Return a whole task: the function as `encode_function` made it, and the items."""
    return function + dumps(items)


class Call(tuple[Any, ...]):
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


_functions: dict[bytes, Any] = {}


def decode_function(head: bytes) -> Any:
    """Return the function of a head that `encode_function` made."""
    return pickle.loads(memoryview(head)[9:])


def decode_task(payload: bytes) -> tuple[int, Callable[..., Any], Any]:
    """Return how to call, what to call, and the items."""
    mode = payload[0]
    length = 9 + int.from_bytes(payload[1:9], "little")
    pickled = payload[9:length]
    function = _functions.get(pickled) if mode & _CACHED else None
    if function is None:
        function = pickle.loads(pickled)
        if mode & _CACHED:
            if len(_functions) > 100:
                _functions.clear()
            _functions[pickled] = function
    return mode & ~_CACHED, function, pickle.loads(memoryview(payload)[length:])


def _standard(name: str) -> Any:
    # Late: workers whose tasks don't fail do without the module.
    return getattr(original("multiprocessing.pool"), name)


def describe_failure(error: BaseException, *value: object) -> bytes:
    """Return a task's failure as bytes that can always be read; `value` is the result that refused to be pickled."""
    if value:
        error, text = _standard("MaybeEncodingError")(error, value[0]), None
    else:
        text = '\n"""\n' + "".join(traceback.format_exception(type(error), error, error.__traceback__)) + '"""'
    try:
        pickled = dumps(error)
    except Exception as refused:
        pickled = dumps(_standard("MaybeEncodingError")(refused, error))
    return pickle.dumps((pickled, text, _repr_of(error)), pickle.HIGHEST_PROTOCOL)


def read_failure(failure: bytes) -> BaseException:
    """Return the exception that `describe_failure` described."""
    pickled, text, shown = pickle.loads(failure)
    try:
        error = pickle.loads(pickled)
        if not isinstance(error, BaseException):
            raise TypeError(f"{shown} was unpickled as an object of type {type(error).__name__}")
    except Exception as unreadable:
        error = _standard("MaybeEncodingError")(unreadable, None)
        error.value = shown
        error.args = (error.exc, shown)
    if text is not None:
        error.__cause__ = _standard("RemoteTraceback")(text)
    travelled: BaseException = error
    return travelled


def _repr_of(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:
        return f"<{type(error).__name__} whose repr fails>"
