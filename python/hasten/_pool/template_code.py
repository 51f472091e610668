"""Code that a template runs: read and compiled here, while its interpreter starts, rather than there afterwards."""

from __future__ import annotations

import io
import marshal
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER, find_spec

_START = "hasten._pool.template_start"

# What the start imports. Each module that is looked for in the file system takes a template a sixth of a millisecond.
_MODULES = (
    "__future__",
    "_compat_pickle",
    "_pickle",
    "_socket",
    "copyreg",
    "hasten._pool",
    "hasten._pool.child",
    "hasten._pool.identity",
    "hasten._pool.namespaces",
    "hasten._pool.received",
    "hasten._pool.tasks",
    "hasten._pool.template_server",
    "hasten._pool.worker",
    "hasten._worker",
    "select",
)


def code_of_start() -> bytes:
    """Return the code of `template_start`, and by their names the files and the code of what it imports."""
    sent = {name: found for name in _MODULES if (found := _read(name)) is not None}
    start = _read(_START)
    if start is None or not start[1]:
        raise ImportError(f"the code of {_START} is not in a file")
    return marshal.dumps((start[1], sent))


def _read(name: str) -> tuple[str, bytes] | None:
    """Return file and code of a module, no code where the file is an extension; None where it is in no file."""
    module = sys.modules.get(name)
    spec = find_spec(name) if module is None else module.__spec__
    if spec is None or spec.origin is None:
        return None
    if type(spec.loader) is ExtensionFileLoader:
        return spec.origin, b""
    if type(spec.loader) is not SourceFileLoader:
        return None
    return spec.origin, _cached_code(spec) or marshal.dumps(spec.loader.get_code(name))


def _cached_code(spec: ModuleSpec) -> bytes:
    """Return the code of a module's bytecode file, if that is the source's; else nothing."""
    try:
        source = os.stat(spec.origin or "")
        with open(spec.cached or "", "rb") as file:
            cached = file.read()
    except (OSError, ValueError):
        return b""
    words = (0, int(source.st_mtime), source.st_size)  # the first says that the time of the source counts
    head = MAGIC_NUMBER + b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)
    return cached[len(head) :] if cached.startswith(head) else b""


def code_of_main(path: str | None) -> bytes:
    """Return the code of a program's file; nothing where the template is to find out what is wrong with it."""
    if path is None or not path.endswith(".py"):
        return b""
    try:
        with io.open_code(path) as file:
            return marshal.dumps(compile(file.read(), path, "exec", dont_inherit=True))
    except (OSError, SyntaxError, ValueError):
        return b""
