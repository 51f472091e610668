"""The index of a directory of results: what there is, how large, how old. It can be made anew from the files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator

from hasten._memo import disk

_SCHEMA = "CREATE TABLE IF NOT EXISTS results (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, made_at REAL NOT NULL)"
_PUT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?)"
# Once in so many additions a writer looks whether the directory has become too large.
_TRIM_EACH = 64


class Index:
    """The connection of one process; a child that was forked opens its own.

    Parameters
    ----------
    root : str
        The directory of results.
    """

    def __init__(self, root: str) -> None:
        self.process = os.getpid()
        self._root = root
        self._file = os.path.join(root, "index.sqlite")
        self._added = 0

    def added(self, path: str, size: int) -> None:
        """Note a new result, and now and then make room. Others are waited for shortly; what fails is left out."""
        with contextlib.suppress(sqlite3.Error, OSError):
            with self._connected() as connection:
                connection.execute(_PUT, (os.path.relpath(path, self._root), size, time.time()))
                connection.commit()
            self._added += 1
            if self._added % _TRIM_EACH == 1:
                self.trim()

    def trim(self, limit: int | None = None) -> None:
        """Delete the oldest results until the rest takes at most `limit` bytes."""
        limit = disk.LIMIT if limit is None else limit
        with self._connected() as connection:
            (total,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM results").fetchone()
            if total <= limit:
                return
            for path, size in connection.execute("SELECT path, bytes FROM results ORDER BY made_at, path").fetchall():
                if total <= limit:
                    break
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._root, path))
                connection.execute("DELETE FROM results WHERE path = ?", (path,))
                total -= size
            connection.commit()

    def rebuild(self) -> None:
        """Make the index anew from the files, and delete what writers that died left behind."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file)
        with contextlib.closing(self._open()) as connection:
            connection.executemany(_PUT, self._scan())
            connection.commit()

    def paths(self) -> list[str]:
        """Return the results that the index knows, the oldest first."""
        with self._connected() as connection:
            return [path for (path,) in connection.execute("SELECT path FROM results ORDER BY made_at, path")]

    def _scan(self) -> Iterator[tuple[str, int, float]]:
        now = time.time()
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    status = os.stat(path, follow_symlinks=False)
                    if name.endswith(disk.SUFFIX):
                        yield os.path.relpath(path, self._root), status.st_size, status.st_mtime
                    elif name.startswith(disk.PART) and now - status.st_mtime > disk.PATIENCE:
                        os.unlink(path)

    def _connected(self) -> contextlib.closing[sqlite3.Connection]:
        """Open the index, for a with statement; one that is missing or damaged is made anew."""
        if not os.path.exists(self._file):
            self.rebuild()
        try:
            return contextlib.closing(self._open())
        except sqlite3.OperationalError:  # busy, or the directory can't be written
            raise
        except sqlite3.DatabaseError:
            self.rebuild()
            return contextlib.closing(self._open())

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=0.5)
        try:
            # Nothing is lost with the index, so nothing waits for the disk.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection
