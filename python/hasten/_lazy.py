"""Names of the package that are imported when first asked for, so that ``import hasten`` stays cheap.

The package's ``__getattr__`` asks `load`; its ``__dir__`` adds `NAMES`. `hasten doctor` prints who provides each name.
"""

import importlib
from typing import NamedTuple

from hasten._mirror import original


class Face(NamedTuple):
    """One public name: which drop-in answers to it, and which module it comes from."""

    drop_in: str
    provider: str

    @property
    def is_own(self) -> bool:
        """Whether Hasten provides it; otherwise the standard library does."""
        return self.provider.startswith("hasten.")


_FROM_STANDARD_LIBRARY = {
    "multiprocessing": (
        "Array Barrier BoundedSemaphore Condition Event Lock Manager Pipe Process RLock "
        "RawArray RawValue Semaphore Value active_children cpu_count current_process freeze_support "
        "get_start_method parent_process set_start_method"
    ),
}

_OWN = {
    "JoinableQueue": Face("multiprocessing", "hasten._pool.contexts"),
    "Queue": Face("multiprocessing", "hasten._pool.contexts"),
    "SimpleQueue": Face("multiprocessing", "hasten._pool.contexts"),
    "get_all_start_methods": Face("multiprocessing", "hasten._pool.contexts"),
    "get_context": Face("multiprocessing", "hasten._pool.contexts"),
    "cache": Face("functools", "hasten._memo"),
    "lru_cache": Face("functools", "hasten._memo"),
    "ProcessPoolExecutor": Face("concurrent.futures", "hasten._pool.executor"),
    "ThreadPool": Face("multiprocessing.pool", "hasten._threads.pool"),
    "ThreadPoolExecutor": Face("concurrent.futures", "hasten._threads.executor"),
    "current_thread": Face("threading", "hasten._threads.thread"),
    "Thread": Face("threading", "hasten._threads.thread"),
    "Timer": Face("threading", "hasten._threads.thread"),
}

FACES = {
    **{name: Face(module, module) for module, names in _FROM_STANDARD_LIBRARY.items() for name in names.split()},
    **_OWN,
}

# Names that no module of the standard library has, and where they come from.
ADDED = {
    "Channel": "hasten._threads.channel",
    "Pool": "hasten._pool.template_pool",
    "ChannelBroken": "hasten._threads.channel",
    "ChannelClosed": "hasten._threads.channel",
    "Command": "hasten._programs",
    "CompletedProgram": "hasten._programs",
    "iter_all": "hasten._programs",
    "run_all": "hasten._programs",
    "select": "hasten._threads.channel",
    "share": "hasten._pool.share",
}

# What Hasten provides of the drop-ins without offering it as ``hasten.<name>``.
_PARTS = {
    "multiprocessing": {"Pool": "hasten._pool.pool"},
    "queue": dict.fromkeys(("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"), "hasten._threads.queues"),
    "multiprocessing.pool": {"Pool": "hasten._pool.pool", "AsyncResult": "hasten._pool.results"},
    "multiprocessing.queues": dict.fromkeys(("Queue", "JoinableQueue", "SimpleQueue"), "hasten._pool.queues"),
    "multiprocessing.dummy": {"Pool": "hasten._threads.dummy"},
    "subprocess": dict.fromkeys(("Command", "CompletedProgram", "iter_all", "run_all"), "hasten._programs"),
}

SUBMODULES = frozenset(
    {"errors", "functools", "futures", "mpi", "multiprocessing", "numba", "queue", "subprocess", "threading"}
)

NAMES = frozenset(FACES) | frozenset(ADDED) | SUBMODULES


def load(name: str) -> object:
    """Return what ``hasten.<name>`` stands for.

    Raises
    ------
    AttributeError
        Where Hasten has no such name.
    """
    face = FACES.get(name)
    if face is not None:
        # Under `hasten run` that is the drop-in, which imports the provider; the other way round it would not be ready.
        importlib.import_module(face.drop_in)
        module = importlib.import_module(face.provider) if face.is_own else original(face.provider)
        return getattr(module, name)
    if name in ADDED:
        return getattr(importlib.import_module(ADDED[name]), name)
    if name in SUBMODULES:
        return importlib.import_module(f"hasten.{name}")
    raise AttributeError(f"module 'hasten' has no attribute {name!r}")


def own_parts(drop_in: str) -> dict[str, str]:
    """Return the names of the module `drop_in` that Hasten provides itself, each with the module it comes from."""
    own = {name: face.provider for name, face in FACES.items() if face.drop_in == drop_in and face.is_own}
    return {**_PARTS.get(drop_in, {}), **own}


def own_submodules(drop_in: str) -> list[str]:
    """Return the names of the submodules of the module `drop_in` that Hasten has drop-ins for."""
    return [name.removeprefix(f"{drop_in}.") for name in _PARTS if name.startswith(f"{drop_in}.")]
