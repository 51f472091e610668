"""Where compiled code is kept on disk."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """Return ``HASTEN_CACHE_DIR``, else ``hasten`` in the user's directory for caches; it need not exist."""
    chosen = os.environ.get("HASTEN_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    # The specification of XDG_CACHE_HOME: what is not absolute does not count.
    return (Path(base) if base and os.path.isabs(base) else Path.home() / ".cache") / "hasten"
