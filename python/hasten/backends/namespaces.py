"""What functions that came by value have as their globals in the worker of a cluster.

All functions of one namespace of the sender's share one here, so that what an initializer or a task binds is found by
all later tasks of the same pool. A name that nobody has bound here has the value that it had in the program when the
task was submitted. So where threads of one worker run tasks of several calls side by side, one call has the pool's
namespaces, and the others have copies, which take over what was bound here and hand on what their tasks bind.
"""

from __future__ import annotations

import contextlib
import threading
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

from hasten._pool.by_value import NamespacePickler

_MISSING = object()


class Key(NamedTuple):
    """What a namespace of the sender's is known by."""

    pool: str
    name: str
    number: int


class Namespace:
    """Globals of functions, and what was bound to their names where they come from."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.arrived: dict[str, Any] = {}

    def merge(self, arrived: dict[str, Any]) -> None:
        """Bind names as they are bound elsewhere, but for those that were bound here."""
        for name, value in arrived.items():
            if self.names.get(name, _MISSING) is self.arrived.get(name, _MISSING):
                self.names[name] = self.arrived[name] = value

    def bound(self) -> dict[str, Any]:
        """Return what was bound here."""
        names = list(self.names.items())
        found = {name: value for name, value in names if self.arrived.get(name, _MISSING) is not value}
        found.pop("__builtins__", None)
        return found


class _Pool:
    """What this worker has for a pool, and which of its calls has that now."""

    def __init__(self) -> None:
        self.namespaces: dict[Key, Namespace] = {}
        self.call: str | None = None
        self.tasks = 0


_pools: dict[str, _Pool] = {}
_lock = threading.RLock()  # again where dropping a value runs code that unpickles


class Namespaces:
    """Those of a function that was loaded, and of what it is called with."""

    def __init__(self, pool: str, is_copy: bool = False) -> None:
        with _lock:
            self._common = _pools.setdefault(pool, _Pool()).namespaces
        self._found = {} if is_copy else self._common
        self._is_copy = is_copy
        self._brought: dict[Key, dict[str, Any]] = {}

    def find(self, key: Key, basics: dict[str, Any]) -> dict[str, Any]:
        """Return the namespace that stands for one of the sender's."""
        with _lock:
            namespace = self._found.setdefault(key, Namespace())
            for name, value in basics.items():
                namespace.arrived[name] = namespace.names.setdefault(name, value)
        return namespace.names

    def merge(self, key: Key, names: dict[str, Any]) -> None:
        """Bind names to what they are bound to where they come from."""
        with _lock:
            self._brought.setdefault(key, {}).update(names)
            self._found[key].merge(names)

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Let functions that this thread unpickles have these namespaces."""
        _loading.namespaces = self
        try:
            yield
        finally:
            _loading.namespaces = None

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Let what runs here find what it came with and what this worker has bound."""
        with _lock:
            for key, names in self._brought.items():
                self._found[key].merge(names)
            if self._is_copy:
                self._take_over()
        try:
            yield
        finally:
            if self._is_copy:
                with _lock:
                    self._hand_on()

    def _take_over(self) -> None:
        for key, namespace in self._found.items():
            if key in self._common:
                namespace.merge(self._common[key].bound())

    def _hand_on(self) -> None:
        for key, namespace in self._found.items():
            bound = namespace.bound()
            namespace.arrived.update(bound)
            self._common.setdefault(key, Namespace()).names.update(bound)


class _Loading(threading.local):
    namespaces: Namespaces | None = None


_loading = _Loading()


def initialize(pool: str, packed: Any) -> None:
    """Run the initializer of a pool in this worker; `packed` is the function and its arguments."""
    namespaces = Namespaces(pool)
    with namespaces.loading():
        function, arguments = packed.load()
    function(*arguments)


@contextlib.contextmanager
def serving(pool: str, call: str) -> Iterator[bool]:
    """Run a task of a call; yields whether it has the pool's namespaces, rather than copies."""
    with _lock:
        found = _pools.setdefault(pool, _Pool())
        has_them = found.call in (None, call)
        if has_them:
            found.call = call
            found.tasks += 1
    try:
        yield has_them
    finally:
        if has_them:
            with _lock:
                found.tasks -= 1
                found.call = call if found.tasks else None


def forget(pool: str) -> None:
    """Drop what this worker has for a pool, which is closed."""
    with _lock:
        _pools.pop(pool, None)


def forget_all() -> None:
    """Drop what this worker has for any pool."""
    with _lock:
        _pools.clear()


def _arrive(key: Key, basics: dict[str, Any]) -> dict[str, Any]:
    return basics if _loading.namespaces is None else _loading.namespaces.find(key, basics)


def _complete(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    key, names, rest, set_state = state
    if _loading.namespaces is None:
        function.__globals__.update(names)
    else:
        _loading.namespaces.merge(key, names)
    set_state(function, rest)


class PoolPickler(NamespacePickler):
    """Pickles what goes to the workers of a pool."""

    arrive = staticmethod(_arrive)
    complete = staticmethod(_complete)

    def __init__(self, pool: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pool = pool

    def key_of(self, namespace: dict[str, Any]) -> Key:
        """Return what a namespace is known by in the workers."""
        return Key(self._pool, str(namespace.get("__name__")), id(namespace))
