"""How much of the machine this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0))
