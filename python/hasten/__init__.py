"""Hasten makes Python programs fast: it compiles numeric code, uses every core, and remembers results.

What is not needed to compile a function is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hasten._core import __version__, get_num_threads, get_thread_id, set_num_threads, stats, typeof
from hasten._decorators import jit, njit, prange
from hasten._joblib import offer

if TYPE_CHECKING:
    from hasten._lazy_types import *  # noqa: F403
    from hasten._vectorize import guvectorize, vectorize

__all__ = [
    "__version__",
    "get_num_threads",
    "get_thread_id",
    "guvectorize",
    "jit",
    "njit",
    "prange",
    "set_num_threads",
    "stats",
    "typeof",
    "vectorize",
]


offer()
del offer


def __getattr__(name: str) -> object:
    if name in ("vectorize", "guvectorize"):
        import hasten._vectorize

        return getattr(hasten._vectorize, name)
    from hasten._lazy import load

    return load(name)


def __dir__() -> list[str]:
    from hasten._lazy import NAMES

    return sorted({*globals(), *__all__, *NAMES})
