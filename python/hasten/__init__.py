"""Hasten makes Python programs fast: it compiles numeric code, uses every core, and remembers results.

What is not needed to compile a function is imported when it is first asked for.
"""

from __future__ import annotations

from hasten._core import __version__, get_num_threads, get_thread_id, set_num_threads, stats, typeof
from hasten._decorators import jit, njit, prange

__all__ = [
    "__version__",
    "errors",
    "get_num_threads",
    "get_thread_id",
    "jit",
    "njit",
    "prange",
    "set_num_threads",
    "stats",
    "typeof",
]


def __getattr__(name: str) -> object:
    if name == "errors":
        import importlib

        return importlib.import_module("hasten.errors")
    raise AttributeError(f"module 'hasten' has no attribute {name!r}")
