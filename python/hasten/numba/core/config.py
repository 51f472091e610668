"""Settings, as numba spells them. Those that can be changed in a running program are read when they are needed."""

from __future__ import annotations

import os

from hasten._cores import available_cores


def _number(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, default))
    except ValueError:
        return default


IS_32BITS = False
MACHINE_BITS = 64

DISABLE_JIT = _number("NUMBA_DISABLE_JIT", 0)
BOUNDSCHECK = _number("NUMBA_BOUNDSCHECK", 0) or None
NUMBA_DEFAULT_NUM_THREADS = available_cores()
NUMBA_NUM_THREADS = _number("NUMBA_NUM_THREADS", NUMBA_DEFAULT_NUM_THREADS)
THREADING_LAYER = os.environ.get("NUMBA_THREADING_LAYER", "default")
DISABLE_PERFORMANCE_WARNINGS = _number("NUMBA_DISABLE_PERFORMANCE_WARNINGS", 0)
CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR", "")
ENABLE_CUDASIM = 0
