"""``hasten cache``: shows or clears the compiled code and the results that are kept on disk."""

import argparse
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hasten._cache_directory import cache_directory

DESCRIPTION = """\
Show or clear the compiled code and the results of cached functions that are kept on disk.

Compiled functions are kept by content, so nothing in the cache is ever stale and clearing it is
never needed for correctness; it costs the next start of each program the time to compile again.
HASTEN_CACHE_DIR puts the cache elsewhere.
"""
EXAMPLES = """\
examples:
  hasten cache list      what is there, the youngest first
  hasten cache path      the directory, for scripts
  hasten cache clear     delete it
"""

# Files of the disk store, of any format version, and what writers that died left behind.
_ENTRY = re.compile(r"[0-9a-f]{32}\.v\d+")
_PART = re.compile(r"part-[0-9a-f]{32}")
RESULTS = "results"
_RESULT = re.compile(r"[0-9a-f]{32}\.r\d+")
_INDEX = re.compile(r"index\.sqlite.*")


class Entry(NamedTuple):
    """One file of the store."""

    path: Path
    bytes: int
    used_at: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        choices=("list", "path", "clear"),
        help="what to do; list if nothing is said",
        nargs="?",
        default="list",
    )


def execute(options: argparse.Namespace) -> int:
    """Run ``hasten cache``."""
    directory = cache_directory()
    if options.action == "path":
        print(directory)
    elif options.action == "clear":
        return _clear(directory)
    else:
        _list(directory)
    return 0


def entries(directory: Path) -> list[Entry]:
    """Return the entries of the store in `directory`, the youngest first."""
    found = [Entry(path, status.st_size, status.st_mtime) for path, status in _files(directory, _ENTRY)]
    return sorted(found, key=lambda entry: -entry.used_at)


def human_bytes(count: float) -> str:
    """Return a size for people: ``"1.5 MB"``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


def _files(directory: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, "os.stat_result"]]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if pattern.fullmatch(name):
            try:
                yield directory / name, os.lstat(directory / name)
            except OSError:  # another process has deleted it
                continue


def _results(directory: Path, pattern: re.Pattern[str] = _RESULT) -> Iterator[tuple[Path, "os.stat_result"]]:
    """Return the results of cached functions that have ``disk=True``."""
    try:
        versions = sorted(os.listdir(directory / RESULTS))
    except OSError:
        return
    for version in versions:
        yield from _files(directory / RESULTS / version, pattern)


def _list(directory: Path) -> None:
    found = entries(directory)
    for entry in found:
        used = time.strftime("%Y-%m-%d", time.localtime(entry.used_at))
        print(f"{entry.path.stem}  {human_bytes(entry.bytes):>10}  used {used}")
    print(f"{len(found)} entries, {human_bytes(sum(entry.bytes for entry in found))} in {directory}")
    results = list(_results(directory))
    if results:
        size = human_bytes(sum(status.st_size for _, status in results))
        print(f"{len(results)} results of cached functions, {size} in {directory / RESULTS}")


def _clear(directory: Path) -> int:
    removed = failed = 0
    results = [*_results(directory), *_results(directory, _PART), *_files(directory / RESULTS, _INDEX)]
    for path, _ in [*_files(directory, _ENTRY), *_files(directory, _PART), *results]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failed += 1
            print(f"{path}: {error.strerror}")
        else:
            removed += bool(_ENTRY.fullmatch(path.name) or _RESULT.fullmatch(path.name))
    print(f"{removed} entries removed from {directory}")
    return 1 if failed else 0
