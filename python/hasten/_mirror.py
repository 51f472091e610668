"""Drop-in modules: everything of the original, with Hasten's parts in place of its own.

``hasten.threading`` mirrors ``threading``: a name that Hasten provides is Hasten's, any other is looked up in the
original when it is asked for, and what is assigned reaches the original (``threading.excepthook = f`` works through
either). A submodule of a drop-in package that Hasten has no file for (``hasten.multiprocessing.managers``) is the
original submodule itself, so that its classes are the same classes.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from importlib.abc import Loader as Loader
else:
    Loader = object  # importing importlib.abc alone takes longer than all of Hasten


class Mirror(ModuleType):
    """The class of a drop-in module; `become_mirror` gives it to a module while that is imported."""

    _hasten_original: ModuleType
    _hasten_parts: frozenset[str]
    _hasten_covered: dict[str, object]  # what assignments through this module have covered in the original

    def __setattr__(self, name: str, value: object) -> None:
        if self._keeps(name, value):
            super().__setattr__(name, value)
            return
        standard = self._hasten_original
        if hasattr(standard, name):
            self._hasten_covered.setdefault(name, getattr(standard, name))
        setattr(standard, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            super().__delattr__(name)
        elif name in self._hasten_covered:
            # As where an instance covers an attribute of its class: what was covered comes back.
            setattr(self._hasten_original, name, self._hasten_covered.pop(name))
        else:
            delattr(self._hasten_original, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._hasten_original)})

    def _keeps(self, name: str, value: object) -> bool:
        is_own_submodule = isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        return is_own_submodule or name in self._hasten_parts or (name.startswith("__") and name.endswith("__"))


# Originals in whose place ``hasten run`` puts a drop-in, which may not be ready yet.
set_aside: dict[str, ModuleType] = {}


class _Substitution:
    """What ``hasten run`` has done, for parts that don't import it."""

    is_installed = False
    has_unguarded_main = False  # then no worker imports the program, and what it defines travels whole


substitution = _Substitution()

# How an original is imported that was not yet: ``hasten run`` adds a way that passes its drop-ins by.
importers: list[Callable[[str], ModuleType]] = [importlib.import_module]


def original(name: str) -> ModuleType:
    """Return the standard library's module `name`, also where ``hasten run`` has put a drop-in in its place."""
    module = set_aside.get(name) or sys.modules.get(name) or importers[-1](name)
    return module._hasten_original if isinstance(module, Mirror) else module


class _OwnSubmodule:
    """Stands in the class of a drop-in package for a submodule of its own until that is imported.

    Without it, `from hasten.multiprocessing import pool` finds the original submodule, where that was imported.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, package: ModuleType, owner: type) -> ModuleType:
        return importlib.import_module(self.name)


def become_mirror(name: str, mirrored: str) -> None:
    """Make the module `name`, which is being imported, a drop-in for the module `mirrored`."""
    from hasten._lazy import own_parts, own_submodules

    module, standard = sys.modules[name], original(mirrored)
    # What Hasten's parts import of the original: `hasten run` would lead them to the drop-in, which isn't finished.
    is_set_aside = sys.modules.setdefault(mirrored, standard) is standard and mirrored in set_aside
    try:
        parts = {part: getattr(importlib.import_module(from_), part) for part, from_ in own_parts(mirrored).items()}
    finally:
        if is_set_aside:
            del sys.modules[mirrored]
    module.__dict__.update(parts, _hasten_original=standard, _hasten_parts=frozenset(parts), _hasten_covered={})
    # Without a frame of Python's: it is fast, and a name that is missing is reported where it was asked for.
    module.__dict__["__getattr__"] = functools.partial(getattr, standard)
    own = {part: _OwnSubmodule(f"{name}.{part}") for part in own_submodules(mirrored)}
    module.__class__ = type("Mirror", (Mirror,), own) if own else Mirror
    if "__path__" in module.__dict__:
        _submodules.packages[name] = mirrored
        if _submodules not in sys.meta_path:
            sys.meta_path.insert(0, _submodules)


class AliasLoader(Loader):
    """Gives a module that is there already under another name."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module; the import system then writes `spec` into it."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module with the spec that it was loaded with."""
        module.__spec__ = self.spec


def has_own_file(name: str) -> bool:
    """Whether Hasten itself has a module of this name; aliases do not count. Imports nothing."""
    names = name.split(".")
    path: Sequence[str] | None = sys.modules[names[0]].__path__
    for depth in range(2, len(names) + 1):
        spec = PathFinder.find_spec(".".join(names[:depth]), path) if path is not None else None
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True


class _SubmoduleFinder:
    """Finds ``hasten.multiprocessing.managers``: ``multiprocessing.managers`` itself."""

    def __init__(self) -> None:
        self.packages: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for submodules of mirrored packages that Hasten has no file for."""
        for package, mirrored in self.packages.items():
            if fullname.startswith(package + "."):
                return self._find_below(package, mirrored, fullname)
        return None

    def _find_below(self, package: str, mirrored: str, fullname: str) -> ModuleSpec | None:
        parent = fullname.rpartition(".")[0]
        if parent == package and has_own_file(fullname):
            return None
        there = mirrored + fullname[len(package) :]
        try:
            module = original(there)
        except ModuleNotFoundError as error:
            if error.name != there:
                raise
            return None
        return ModuleSpec(fullname, AliasLoader(module))


_submodules = _SubmoduleFinder()
