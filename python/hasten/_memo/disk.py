"""Results on disk, shared by any number of processes.

The files are the truth: one for each result, under the digest of the function's version and the arguments, written
aside and renamed, so that a reader sees all of it or nothing; a checksum tells what a crash of the machine left behind.
An SQLite index beside them knows sizes and ages, for keeping the directory below its limit. Only writers use it, it may
be deleted at any time, and it is made anew from the files. A hit writes nothing.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hasten._cache_directory import cache_directory_name
from hasten._core import memory_digest
from hasten._memo.encoding import digest_of
from hasten._memo.fingerprint import version_of, version_of_argument

if TYPE_CHECKING:
    from hasten._memo.index import Index

SUFFIX = ".r1"  # with the number of the format
PART = "part-"
LIMIT = 4 << 30
# Longer than any write takes: older files of that name are what a process that died left behind.
PATIENCE = 3600.0
_MAGIC = b"HSTNRES1"
# Magic, key, checksum of what follows, seconds that it took, when it was made, lengths: of the table, of all parts.
_HEADER = struct.Struct("<8s16s16sddQQ")


class Result(NamedTuple):
    """What is on disk under one key."""

    value: Any
    took: float
    made_at: float


class Disk:
    """The results of one function in a directory.

    Parameters
    ----------
    function : callable
        Whose results they are.
    directory : str or path or True
        Where they lie; True: in Hasten's own directory for caches.
    """

    def __init__(self, function: Callable[..., Any], directory: Any) -> None:
        self._function = function
        self._root = cache_directory_name() + "/results" if directory is True else os.path.abspath(os.fspath(directory))
        self._folder: str | None = None
        self._index: Index | None = None

    @property
    def folder(self) -> str:
        """Where this version of the function has its results."""
        if self._folder is None:  # not before the first call: what the function calls may be defined after it
            self._folder = os.path.join(self._root, version_of(self._function).hex())
        return self._folder

    def path_of(self, key: Any) -> str:
        """Return the file for a key."""
        return os.path.join(self.folder, digest_of(key, version_of_argument).hex() + SUFFIX)

    def load(self, path: str) -> Result | None:
        """Return what is in a file; None where there is none, or none to be trusted."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            status = os.fstat(file)
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022 or status.st_size < _HEADER.size:
                return None
            return _read(file, status.st_size, _key_in(path))
        except OSError:
            return None
        finally:
            os.close(file)

    def save(self, path: str, value: Any, took: float) -> None:
        """Keep a value. Does nothing where the directory can't be written or the value not be pickled."""
        buffers: list[pickle.PickleBuffer] = []
        try:
            stream = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
            parts = [memoryview(stream), *(buffer.raw() for buffer in buffers)]
        except Exception as error:
            raise TypeError(
                f"the result of {getattr(self._function, '__qualname__', self._function)!r} can't be kept on disk, "
                f"because it can't be pickled: {error}"
            ) from error
        size = _HEADER.size + 8 * len(parts) + sum(part.nbytes for part in parts)
        if size > LIMIT or not _write(path, parts, took):
            return
        self.index().added(path, size)

    def remove(self, path: str) -> None:
        """Forget the result in a file."""
        with contextlib.suppress(OSError):
            os.unlink(path)

    def clear(self) -> None:
        """Forget all results of this version of the function."""
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                if entry.name.endswith(SUFFIX):
                    self.remove(entry.path)

    def index(self) -> Index:
        """Return the index of the directory, for this process."""
        from hasten._memo.index import Index

        if self._index is None or self._index.process != os.getpid():
            self._index = Index(self._root)
        return self._index


def _key_in(path: str) -> bytes:
    return bytes.fromhex(os.path.basename(path)[: -len(SUFFIX)])


def _checksum(table: bytes, parts: Sequence[Any]) -> bytes:
    return memory_digest(table + b"".join(memory_digest(part) for part in parts))


def _buffer(size: int) -> Any:
    """Return memory to read into; NumPy's need not be zeroed first."""
    numpy = sys.modules.get("numpy")
    return bytearray(size) if numpy is None or size < 1 << 16 else numpy.empty(size, "u1")


def _read(file: int, size: int, key: bytes) -> Result | None:
    header = os.read(file, _HEADER.size)
    magic, wanted, checksum, took, made_at, table_size, total = _HEADER.unpack(header)
    if magic != _MAGIC or wanted != key or _HEADER.size + table_size + total != size or table_size % 8:
        return None
    table = os.read(file, table_size)
    lengths = struct.unpack(f"<{table_size // 8}Q", table) if len(table) == table_size else ()
    if not lengths or sum(lengths) != total:
        return None
    parts = [_buffer(length) for length in lengths]
    waiting = [memoryview(part) for part in parts if len(part)]
    while waiting:
        count = os.readv(file, waiting[:64])
        if count == 0:
            return None
        while waiting and count >= waiting[0].nbytes:
            count -= waiting.pop(0).nbytes
        if count:
            waiting[0] = waiting[0][count:]
    if _checksum(table, parts) != checksum:
        return None
    try:
        return Result(pickle.loads(parts[0], buffers=parts[1:]), took, made_at)
    except Exception:  # a class that is another one now: as good as no result
        return None


def _write(path: str, parts: Sequence[Any], took: float) -> bool:
    table = struct.pack(f"<{len(parts)}Q", *(part.nbytes for part in parts))
    total = sum(part.nbytes for part in parts)
    header = _HEADER.pack(_MAGIC, _key_in(path), _checksum(table, parts), took, time.time(), len(table), total)
    aside = os.path.join(os.path.dirname(path), PART + secrets.token_hex(16))
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(header + table)
            for part in parts:
                file.write(part)
        os.replace(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        return False
    return True
