"""The engine's texts of types as type objects."""

from __future__ import annotations

import functools
import re
from typing import Any

from hasten import _core
from hasten.numba.core import types

_NAMES: dict[str, Any] = {
    "None": types.none,
    "none": types.none,
    "str": types.unicode_type,
    "int": types.int64,
    "float": types.float64,
    "complex": types.complex128,
    "range": types.range_state64_type,
    "ellipsis": types.ellipsis,
    "object": types.pyobject,
}
for _name in [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]:
    _NAMES[_name] = getattr(types, _name)

_ARRAY = re.compile(r"(?P<readonly>readonly )?array\((?P<item>.*), (?P<ndim>\d+)d, (?P<layout>[CFA])\)")
_DATE = re.compile(r"(?P<kind>datetime64|timedelta64)\[(?P<unit>\w+)\]")
_NAMED_TUPLE = re.compile(r"namedtuple\((?P<handle>\d+)(, (?P<items>.*))?\)")
_CALL = re.compile(r"(?P<name>[\w.]+)\((?P<inside>.*)\)")


@functools.cache
def type_from_text(text: str) -> Any:
    """Return the type that the engine shows as this text.

    Parameters
    ----------
    text : str
        As in ``Dispatcher.compiled``.

    Returns
    -------
    Type
        The type; an opaque one of that name where numba has none.
    """
    if text in _NAMES:
        return _NAMES[text]
    if found := _ARRAY.fullmatch(text):
        item, ndim = type_from_text(found["item"]), int(found["ndim"])
        return types.Array(item, ndim, found["layout"], readonly=found["readonly"] is not None)
    if found := _DATE.fullmatch(text):
        unit = "" if found["unit"] == "generic" else found["unit"]
        return types.NPDatetime(unit) if found["kind"] == "datetime64" else types.NPTimedelta(unit)
    if found := _NAMED_TUPLE.fullmatch(text):
        items = [type_from_text(item) for item in _split(found["items"] or "")]
        return types.BaseTuple.from_types(items, _core.named_tuple_class(int(found["handle"])))
    if found := _CALL.fullmatch(text):
        return _compound(found["name"], [type_from_text(item) for item in _split(found["inside"])], text)
    return types.Opaque(text)


def _compound(name: str, items: list[Any], text: str) -> Any:
    if name == "tuple":
        return types.Tuple(items)
    if name == "optional":
        return types.Optional(items[0])
    if name == "slice":
        return types.slice2_type if items[2] == types.none else types.slice3_type
    return types.Opaque(text)


def _split(text: str) -> list[str]:
    """Return the parts between commas that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [part for part in (*parts, text[start:].strip()) if part]
