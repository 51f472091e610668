"""Puts the drop-ins in place of the originals, in this process and in those that it starts, for ``hasten run``.

From then on ``import threading`` gives ``hasten.threading``, and ``from numba import njit`` gives Hasten's, whether or
not numba is installed. Modules that were imported before keep the originals that they hold, and so does Hasten itself
(`hasten._mirror.original`).
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import IO

from hasten._mirror import AliasLoader, Loader, Mirror, has_own_file, importers, original, set_aside, substitution

DROP_INS = {
    "concurrent.futures": "hasten.futures",
    "functools": "hasten.functools",
    "multiprocessing": "hasten.multiprocessing",
    "numba": "hasten.numba",
    "queue": "hasten.queue",
    "subprocess": "hasten.subprocess",
    "threading": "hasten.threading",
}

# Those that stand alone: what they lack is absent, the original is not asked.
_WITHOUT_ORIGINAL = frozenset({"numba"})


def available() -> dict[str, str]:
    """Return the modules that have a drop-in in this installation, each with the drop-in's name."""
    return {there: here for there, here in DROP_INS.items() if has_own_file(here)}


def install() -> None:
    """Put the drop-ins in place; once is enough, more does nothing."""
    if any(isinstance(finder, _DropInFinder) for finder in sys.meta_path):
        return
    finder = _DropInFinder(available())
    sys.meta_path.insert(0, finder)
    importers.append(finder.import_beside)
    substitution.is_installed = True
    for name in sorted(sys.modules):
        ours = finder.drop_in_for(name)
        if ours is not None:
            sys.modules[name] = _drop_in(name, ours)
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], last, sys.modules[name])


class _DropInFinder:
    """Answers for the names of the originals."""

    def __init__(self, drop_ins: dict[str, str]) -> None:
        self.drop_ins = drop_ins
        self.loading_original: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give the drop-in for an original, and an original's submodule where there is no drop-in for it."""
        if self._is_of_loading_original(fullname):
            parent = fullname.rpartition(".")[0]
            return PathFinder.find_spec(fullname, original(parent).__path__) if parent else None
        ours = self.drop_in_for(fullname)
        if ours is not None:
            return ModuleSpec(fullname, _DropInLoader(self, ours))
        root = self._root(fullname)
        if root is None or root in _WITHOUT_ORIGINAL:
            return None
        # The parent in sys.modules is the drop-in, whose path leads to Hasten's files.
        return PathFinder.find_spec(fullname, original(fullname.rpartition(".")[0]).__path__)

    def drop_in_for(self, name: str) -> str | None:
        """Return the name of the drop-in for the module `name`, or None where there is none."""
        root = self._root(name)
        if root is None:
            return None
        ours = self.drop_ins[root] + name[len(root) :]
        if name == root:
            return ours
        if root in _WITHOUT_ORIGINAL:
            return ours if _can_be_imported(ours) else None
        return ours if has_own_file(ours) else None

    def import_original(self, name: str) -> None:
        """Import the original of that name under it, and set it aside for the drop-in."""
        if name not in set_aside:
            self.loading_original.add(name)
            try:
                set_aside[name] = importlib.import_module(name)
            finally:
                self.loading_original.discard(name)

    def import_beside(self, name: str) -> ModuleType:
        """Import an original that a part of Hasten needs, and leave the name to the drop-in."""
        if self.drop_in_for(name) is not None:
            self.import_original(name)
            sys.modules.pop(name, None)
            return set_aside[name]
        root = self._root(name)
        if root is None or root in _WITHOUT_ORIGINAL or root in sys.modules:
            return importlib.import_module(name)
        # The package's drop-in may need what asks for its submodule, so it must not be imported on the way.
        self.import_original(root)
        sys.modules[root] = set_aside[root]
        try:
            return importlib.import_module(name)
        finally:
            sys.modules.pop(root, None)

    def _is_of_loading_original(self, name: str) -> bool:
        # What an original imports of its own parts is the original's: the drop-in needs the whole original first.
        return any(name == loading or name.startswith(loading + ".") for loading in self.loading_original)

    def _root(self, name: str) -> str | None:
        return next((root for root in self.drop_ins if name == root or name.startswith(root + ".")), None)


class _DropInLoader(Loader):
    """Imports the original under its own name, then the drop-in that mirrors it."""

    def __init__(self, finder: _DropInFinder, ours: str) -> None:
        self.finder = finder
        self.ours = ours
        self.alias: AliasLoader | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the drop-in."""
        if spec.name.partition(".")[0] not in _WITHOUT_ORIGINAL:
            self.finder.import_original(spec.name)
        self.alias = AliasLoader(_drop_in(spec.name, self.ours))
        return self.alias.module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the drop-in as it is; it ran when it was imported under its own name."""
        if self.alias is not None:
            self.alias.exec_module(module)


def _can_be_imported(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            return False
        raise
    return True


def _drop_in(name: str, ours: str) -> ModuleType:
    """Import the drop-in `ours` for the original `name`, which is imported by now."""
    module = importlib.import_module(ours)
    if name == "multiprocessing" and isinstance(module, Mirror):
        _prepare_children()
    return module


def _prepare_children() -> None:
    """Make processes that are not forked from this one put the drop-ins in place before they import the script."""
    spawn = original("multiprocessing.spawn")
    standard = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, object]:
        data = {"hasten": _InstallWhenUnpickled(), **standard(name)}
        if substitution.has_unguarded_main:
            data.pop("init_main_from_path", None)
        return data

    vars(spawn)["get_preparation_data"] = get_preparation_data
    if substitution.has_unguarded_main:
        vars(original("multiprocessing.reduction"))["dump"] = _dump_by_value


def _dump_by_value(value: object, file: IO[bytes], protocol: int | None = None) -> None:
    """Write what a new process is to unpickle, for one that can't find what the main module defines."""
    from hasten._pool import by_value

    file.write(by_value.dumps(value))


class _InstallWhenUnpickled:
    """Puts the drop-ins in place in the child that unpickles it, which is the first thing that a child does."""

    def __reduce__(self) -> tuple[object, ...]:
        folder = str(Path(__file__).parents[1])
        # Hasten may have been found by a path that the child's interpreter does not have by itself.
        find = f"import sys; {folder!r} in sys.path or sys.path.append({folder!r})"
        return exec, (f"{find}; from hasten._substitute import install; install()",)
