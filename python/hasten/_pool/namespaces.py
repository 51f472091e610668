"""The namespaces of functions that came by value.

All functions of one namespace of the sender's share one namespace in the worker, so that what an initializer sets is
seen by the tasks; those of the main module have the worker's own main module as theirs. A name that the worker itself
has bound stays as it is; one that it hasn't gets the value that it has where it comes from.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    import types
    from typing import Any

_MISSING = object()


class _Namespaces:
    """The worker's side: what arrived under which name."""

    def __init__(self) -> None:
        self.arrived: dict[str, dict[str, Any]] = {}
        self.own: dict[str, dict[str, Any]] = {}

    def find(self, key: str) -> dict[str, Any]:
        """Return the namespace that stands for the sender's."""
        if key == "__main__":
            return _main_namespace()
        return self.own.setdefault(key, {})

    def merge(self, key: str, names: dict[str, Any]) -> None:
        """Bind names to what they are bound to where they come from."""
        namespace, arrived = self.find(key), self.arrived.setdefault(key, {})
        for name, value in names.items():
            if namespace.get(name, _MISSING) is arrived.get(name, _MISSING):
                namespace[name] = arrived[name] = value


_namespaces = _Namespaces()


def _main_namespace() -> dict[str, Any]:
    # multiprocessing imports the program into a namespace of which __main__ has a copy; functions have the original.
    names = vars(sys.modules["__main__"])
    for value in names.values():
        if isinstance(value, _Function) and value.__globals__.get("__name__") == "__mp_main__":
            return value.__globals__
    return names


_Function = type(_main_namespace)  # types.FunctionType, without an import


def remember_main() -> None:
    """Take note of what the main module has before an initializer or a task changes it."""
    known = {name: value for name, value in _main_namespace().items() if not is_definition(value)}
    _namespaces.arrived["__main__"] = known


def is_definition(value: object) -> bool:
    """Whether a value is a function or a class."""
    return isinstance(value, (_Function, type))


def arrive_at(key: str, basics: dict[str, Any]) -> dict[str, Any]:
    """Return the namespace of functions that arrive."""
    namespace = _namespaces.find(key)
    for name, value in basics.items():
        namespace.setdefault(name, value)
    return namespace


def set_function(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    """Complete a function that has arrived."""
    key, names, rest, set_state = state
    _namespaces.merge(key, names)
    set_state(function, rest)


def set_class(made: type, state: tuple[Any, ...]) -> Any:
    """Complete a class of the main module that has arrived."""
    rest, set_state = state
    made = set_state(made, rest) or made
    # So that results can name it.
    vars(sys.modules["__main__"]).setdefault(made.__name__, made)
    return made
