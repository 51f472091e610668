"""What stands in a key for an argument that can't be hashed: something that is equal where the contents are."""

from __future__ import annotations

import io
import pickle
import sys
from types import FunctionType
from typing import Any

from hasten._core import memory_digest

# A stream, the buffers beside it, and the classes that the pickler noted.
_Pickled = tuple[bytes, list[pickle.PickleBuffer], tuple[Any, ...]]
_FRAMES = frozenset({"pandas", "polars", "pyarrow", "xarray"})


class Kind:
    """Stands first in what replaces an argument, so that it equals no argument that anybody passes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


ARRAY, FRAME, LIST, DICT, SET, BYTES, OBJECT = map(Kind, ["array", "frame", "list", "dict", "set", "bytes", "object"])


def freeze_arrays(value: Any) -> Any:
    """Return what stands for an array or a data frame; NotImplemented for anything else, which stays unhashable."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _freeze_array(value)
    if type(value).__module__.partition(".")[0] in _FRAMES:
        return _freeze_by_pickle(FRAME, value)
    return NotImplemented


class ClassPickler(pickle.Pickler):
    """Notes the classes of what it pickles, and the classes and functions that are pickled by their names."""

    def __init__(self, stream: io.BytesIO, **keywords: Any) -> None:
        super().__init__(stream, **keywords)
        self.classes: dict[Any, None] = {}

    def reducer_override(self, value: Any) -> Any:
        """Note a class, and leave the rest to pickle."""
        self.classes[value if isinstance(value, type | FunctionType) else type(value)] = None
        return NotImplemented


def freeze_with_classes(value: Any) -> Any:
    """Return what stands for a value by its content and by the classes of all that it holds."""
    return freeze(value, ClassPickler)


def freeze_by_pickle(value: Any) -> Any:
    """Return what stands for an object by its content and classes, whether or not it can be hashed."""
    return _freeze_by_pickle(OBJECT, value, ClassPickler)


def freeze(value: Any, pickler: type[pickle.Pickler] = pickle.Pickler) -> Any:
    """Return what stands for a value by its content.

    Raises
    ------
    TypeError
        Where the value can neither be hashed nor pickled.
    """
    kind = type(value)
    if kind is list:
        return LIST, tuple(freeze_within(item, pickler) for item in value)
    if kind is tuple:
        return tuple(freeze_within(item, pickler) for item in value)
    if kind is dict:  # the order counts: what is computed may depend on it
        return DICT, tuple((key, freeze_within(item, pickler)) for key, item in value.items())
    if kind is set:
        return SET, frozenset(value)
    if kind is bytearray:
        return BYTES, memory_digest(value)
    frozen = freeze_arrays(value)
    return _freeze_by_pickle(OBJECT, value, pickler) if frozen is NotImplemented else frozen


def freeze_within(value: Any, pickler: type[pickle.Pickler] = pickle.Pickler) -> Any:
    """Return a value that lies within another: itself where it can be hashed."""
    try:
        hash(value)
    except TypeError:
        return freeze(value, pickler)
    return value


def _freeze_array(array: Any) -> Any:
    if type(array).__name__ == "MaskedArray":
        return _freeze_by_pickle(ARRAY, array)
    flags = array.flags
    if array.dtype.hasobject:
        content: Any = tuple(map(freeze_within, array.flat))
    elif flags.c_contiguous or flags.f_contiguous:
        content = memory_digest(array)
    else:
        content = memory_digest(array.copy(order="C"))
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else array.strides
    return ARRAY, type(array), array.dtype, array.shape, layout, content


def _freeze_by_pickle(kind: Kind, value: Any, pickler: type[pickle.Pickler] = pickle.Pickler) -> Any:
    try:
        stream, buffers, classes = _pickled_frame(value) if kind is FRAME else _pickled(value, pickler)
        contents = tuple(memory_digest(buffer.raw()) for buffer in buffers)
    except Exception as error:
        raise TypeError(
            f"an argument of type {type(value).__qualname__!r} can be neither hashed nor pickled ({error}), so the "
            "cache has no key for it; leave it out with ignore=, or name what tells it from others with key="
        ) from error
    return kind, type(value), memory_digest(stream), contents, classes


def _pickled(value: Any, kind: type[pickle.Pickler], tells_same_from_equal: bool = True) -> _Pickled:
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    pickler = kind(stream, protocol=5, buffer_callback=buffers.append)
    pickler.fast = not tells_same_from_equal
    pickler.dump(value)
    return stream.getvalue(), buffers, tuple(getattr(pickler, "classes", ()))


def _pickled_frame(value: Any) -> _Pickled:
    # Equal texts count the same whether or not they are one object, which depends on where they were read from.
    try:
        return _pickled(value, pickle.Pickler, tells_same_from_equal=False)
    except (ValueError, RecursionError):  # there is a cycle in it
        return _pickled(value, pickle.Pickler)
