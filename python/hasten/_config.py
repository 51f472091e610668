"""What the environment says about compiling. Read when it is asked for, so that a program may set it before."""

import os


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    return default if not value else value not in ("0", "false", "no", "off")


def native_only() -> bool:
    """Whether plain `jit` compiles the whole function or fails, as `njit` does (``HASTEN_NATIVE=1``)."""
    return _flag("HASTEN_NATIVE", False)


def cache_enabled() -> bool:
    """Whether compiled code is kept on disk (``HASTEN_CACHE=0``: no)."""
    return _flag("HASTEN_CACHE", True)
