"""How much memory this process may use."""

import os

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def default_max_shm() -> int:
    """Return a half of the machine's memory, or of the control group's if that has less."""
    bounds = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _CGROUPS:
        try:
            with open(name) as file:
                bounds.append(int(file.read()))
        except (OSError, ValueError):
            continue  # no such version of control groups, or no limit
    return min(bounds) // 2
