"""Code that a template runs: read and compiled here, while its interpreter starts, rather than there afterwards."""

from __future__ import annotations

import io
import marshal
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from types import CodeType

_START = "hasten._pool.template_start"

# What the start imports. Each module that is looked for in the file system takes a template a sixth of a millisecond.
_MODULES = (
    "__future__",
    "_compat_pickle",
    "copyreg",
    "hasten._pool",
    "hasten._pool.child",
    "hasten._pool.identity",
    "hasten._pool.namespaces",
    "hasten._pool.received",
    "hasten._pool.tasks",
    "hasten._pool.template_server",
    "hasten._pool.worker",
)


def code_of_start() -> bytes:
    """Return the code of `template_start`, and by their names the files and the code of what it imports."""
    sent = {name: found for name in _MODULES if (found := _read(name)) is not None}
    start = _read(_START)
    if start is None:
        raise ImportError(f"the code of {_START} is not in a file")
    return marshal.dumps((start[1], sent))


def _read(name: str) -> tuple[str, CodeType] | None:
    """Return file and code of a module; None where that is found in another way than in a source file."""
    module = sys.modules.get(name)
    spec = find_spec(name) if module is None else module.__spec__
    if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
        return None
    code = spec.loader.get_code(name)
    return None if code is None else (spec.origin, code)


def code_of_main(path: str | None) -> bytes:
    """Return the code of a program's file; nothing where the template is to find out what is wrong with it."""
    if path is None or not path.endswith(".py"):
        return b""
    try:
        with io.open_code(path) as file:
            return marshal.dumps(compile(file.read(), path, "exec", dont_inherit=True))
    except (OSError, SyntaxError, ValueError):
        return b""
