"""Where compiled code is kept on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def cache_directory() -> Path:
    """Return ``HASTEN_CACHE_DIR``, else ``hasten`` in the user's directory for caches; it need not exist."""
    from pathlib import Path

    return Path(cache_directory_name())


def cache_directory_name() -> str:
    """Return the same as text; the engine asks before the first compilation, when `pathlib` may not be there yet."""
    chosen = os.environ.get("HASTEN_CACHE_DIR")
    if chosen:
        return chosen
    base = os.environ.get("XDG_CACHE_HOME")
    if not base or not os.path.isabs(base):  # the specification of XDG_CACHE_HOME: what is not absolute does not count
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "hasten")
