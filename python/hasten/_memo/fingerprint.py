"""The version of a function or class: a digest of its code, and of the code and constants that it reaches.

A change of what a function computes with gives it another version, so that its old results on disk are found no more.
Followed are the names that its code mentions: functions, classes and modules of the program by their code, those of
installed packages by the package's version, constants by their value.
"""

from __future__ import annotations

import builtins
import functools
import os
import sys
import sysconfig
import weakref
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from hasten._core import Cache, Dispatcher
from hasten._memo.encoding import digest_of
from hasten._memo.keys import ClassPickler, freeze_within

# What says nothing of results, or isn't the same in each process: the order of ``__static_attributes__``.
_NO_PART_OF_A_CLASS = frozenset(
    [
        "__dict__",
        "__weakref__",
        "__doc__",
        "__module__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations_cache__",
    ]
)
_INSTALLED = tuple(
    path + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_paths().get(key))
)


def version_of(function: Any) -> bytes:
    """Return 16 bytes that change with the function or what it calls."""
    return _Reader().digest(function)


_versions_of_classes: weakref.WeakKeyDictionary[type, bytes] = weakref.WeakKeyDictionary()


def version_of_argument(value: Any) -> bytes:
    """Return the version of a function or class that belongs to a call's arguments; a class is read once."""
    if not isinstance(value, type):
        return version_of(value)
    found = _versions_of_classes.get(value)
    if found is None:
        found = _versions_of_classes[value] = version_of(value)
    return found


class _Reader:
    def __init__(self) -> None:
        self.seen: dict[int, int] = {}

    def digest(self, function: Any) -> bytes:
        return digest_of((sys.implementation.cache_tag, self.describe(function)), self.digest_of_part)

    def digest_of_part(self, value: Any) -> bytes:
        """Return the version of a function or class that is part of a constant; it may lead back to that."""
        return digest_of(self.describe(value), self.digest_of_part)

    def describe(self, value: Any) -> Any:
        """Return a value of tuples and constants that tells this one from others."""
        value = _unwrapped(value)
        if isinstance(value, Dispatcher):
            options = getattr(value, "targetoptions", None)
            return "compiled", self.constant(options), self.describe(value.py_func)
        if isinstance(value, FunctionType | type | ModuleType):
            if id(value) in self.seen:
                return "again", self.seen[id(value)]
            self.seen[id(value)] = len(self.seen)
        if isinstance(value, property):
            return "property", *map(self.describe, (value.fget, value.fset, value.fdel))
        if isinstance(value, functools.partial):
            return "partial", self.describe(value.func), self.constant(value.args), self.constant(value.keywords)
        if isinstance(value, ModuleType):
            return "module", value.__name__, _package_version(value.__name__)
        if isinstance(value, FunctionType):
            return self.function(value)
        if isinstance(value, type):
            return self.class_of_program(value)
        if isinstance(value, MethodType):
            return "method", self.describe(value.__func__), self.describe(value.__self__)
        if callable(value) and hasattr(value, "__qualname__"):
            module = str(getattr(value, "__module__", None))
            return "callable", module, value.__qualname__, _package_version(module)
        if type(value).__module__ == "builtins":
            return self.constant(value)
        return "instance", self.describe(type(value)), self.constant(value)

    def function(self, function: FunctionType) -> Any:
        if _is_installed(function.__module__):
            return "function", function.__module__, function.__qualname__, _package_version(function.__module__)
        reached = []
        names = _names(function.__code__)
        for name in names:
            if name in function.__globals__:
                found = function.__globals__[name]
                reached.append((name, self.describe(found)))
                if isinstance(found, ModuleType) and not _is_installed(found.__name__):
                    here = vars(found)
                    reached += [(f"{name}.{other}", self.describe(here[other])) for other in names if other in here]
            elif not hasattr(builtins, name):
                reached.append((name, None))  # an attribute's name, or a global that is not there yet
        cells = [self.describe(_content(cell)) for cell in function.__closure__ or ()]
        return (
            "code",
            self.code(function.__code__),
            self.constant(function.__defaults__),
            self.constant(function.__kwdefaults__),
            tuple(cells),
            tuple(reached),
        )

    def code(self, code: CodeType) -> Any:
        constants = tuple(self.code(one) if isinstance(one, CodeType) else one for one in code.co_consts)
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, shape, code.co_exceptiontable

    def class_of_program(self, cls: type) -> Any:
        if _is_installed(cls.__module__):
            return "class", cls.__module__, cls.__qualname__, _package_version(cls.__module__)
        members = [
            (name, self.describe(_unwrapped(member)))
            for name, member in sorted(vars(cls).items())
            if name not in _NO_PART_OF_A_CLASS
        ]
        return "class", cls.__qualname__, tuple(self.describe(base) for base in cls.__bases__), tuple(members)

    def constant(self, value: Any) -> Any:
        """Return a value by its content; one that has none that others could read, by its class."""
        known = len(self.seen)
        try:
            return "constant", digest_of(freeze_within(value, ClassPickler), self.digest_of_part)
        except (TypeError, RecursionError):
            while len(self.seen) > known:  # what was described is lost with the digest
                self.seen.popitem()
            return "object", type(value).__module__, type(value).__qualname__


def _unwrapped(value: Any) -> Any:
    if isinstance(value, classmethod | staticmethod):
        return _unwrapped(value.__func__)
    if isinstance(value, functools.cached_property):
        return value.func
    if isinstance(value, Cache) or hasattr(type(value), "_hasten_is_cache"):
        return _unwrapped(value.__wrapped__)
    return value


def _names(code: CodeType) -> list[str]:
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(dict.fromkeys(_names(constant)))
    return sorted(names)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _is_installed(module: str | None) -> bool:
    if module is None or module in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return isinstance(file, str) and file.startswith(_INSTALLED)


@functools.cache
def _package_version(module: str) -> str:
    package = sys.modules.get(module.partition(".")[0])
    return str(getattr(package, "__version__", ""))
