"""Bytes that are equal in every process where values are: what disk entries are called by."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from types import FunctionType
from typing import Any

from hasten._core import Cache, Dispatcher, _keyword_mark
from hasten._memo.keys import ClassPickler, Kind

_PLAIN = (int, float, complex, bool, type(None), type(Ellipsis))


def digest_of(value: Any, version_of: Callable[[Any], bytes]) -> bytes:
    """Return 16 bytes for a value; functions and classes in it stand for what `version_of` makes of them.

    Raises
    ------
    TypeError
        Where there is a part that another process could not tell from others.
    """
    hasher = hashlib.blake2b(digest_size=16)
    _Encoder(hasher.update, version_of).add(value)
    return hasher.digest()


class _Encoder:
    def __init__(self, write: Callable[[bytes], None], version_of: Callable[[Any], bytes]) -> None:
        self.write = write
        self.version_of = version_of

    def field(self, tag: str, content: bytes) -> None:
        """Write one field, so that no two sequences of fields run together."""
        self.write(f"{tag} {len(content)}\n".encode())
        self.write(content)

    def add(self, value: Any) -> None:
        """Write a value."""
        kind = type(value)
        if kind is str:
            self.field("str", value.encode("utf-8", "surrogatepass"))
        elif kind in _PLAIN:
            self.field(kind.__name__, repr(value).encode())
        elif kind is bytes:
            self.field("bytes", value)
        elif kind is tuple or kind is list:
            self.field(kind.__name__, str(len(value)).encode())
            for item in value:
                self.add(item)
        elif kind is dict:
            self.field("dict", str(len(value)).encode())
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif kind is frozenset or kind is set:
            # In an order of its own: what a function reaches is described where it is met first.
            items = sorted(value, key=lambda item: digest_of(item, _name_of))
            self.field(kind.__name__, b"".join(digest_of(item, self.version_of) for item in items))
        elif kind is Kind:
            self.field("kind", value.name.encode())
        elif value is _keyword_mark:
            self.field("keywords", b"")
        elif isinstance(value, type):
            self.field("class", _name_of(value))
            self.field("version", self.version_of(value))
        elif isinstance(value, FunctionType | Cache | Dispatcher):
            self.field("function", self.version_of(value))
        else:
            self.add_pickled(value)

    def add_pickled(self, value: Any) -> None:
        """Write a value of a class that we know nothing of."""
        stream = io.BytesIO()
        pickler = ClassPickler(stream, protocol=4)
        try:
            pickler.dump(value)
        except Exception as error:
            raise TypeError(
                f"an argument of type {type(value).__qualname__!r} can't be told from others in another process: it "
                f"can't be pickled ({error}); leave it out with ignore=, or name what tells it from others with key="
            ) from error
        self.field("pickle", stream.getvalue())
        for one in pickler.classes:
            self.add(one)


def _name_of(value: Any) -> bytes:
    return f"{value.__module__}:{value.__qualname__}".encode()
