"""The program that a template process runs: ``_START`` of `template` has it executed.

Workers need little of Hasten, so the package's own code runs only when a program asks the package for something.
What is imported here, each new pool waits for.
"""

# No `from __future__ import`: that module is one of those that are sent.
import marshal
import sys
from _frozen_importlib import ModuleSpec, module_from_spec
from _frozen_importlib_external import ExtensionFileLoader, SourceFileLoader
from _functools import partial  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    Sent = dict[str, tuple[str, bytes]]  # files and code of modules, by name
else:
    ModuleType = type(sys)


class SentLoader(SourceFileLoader):
    """Loads a module whose code the parent has sent."""

    def __init__(self, name: str, file: str, code: bytes) -> None:
        super().__init__(name, file)
        self._sent = code

    def get_code(self, fullname: str) -> "CodeType | None":
        """Return the code, the first time as it was sent."""
        code, self._sent = self._sent, b""
        return marshal.loads(code) if code else super().get_code(fullname)


class SentModules:
    """Finds modules of which the parent has sent where they are, and their code if they are no extensions."""

    def __init__(self, sent: "Sent") -> None:
        self._sent = sent

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return what the usual way to find a module would, but for where the code comes from."""
        if name not in self._sent:
            return None
        file, code = self._sent[name]
        is_package = file.endswith("/__init__.py")
        loader = SentLoader(name, file, code) if code else ExtensionFileLoader(name, file)
        spec = ModuleSpec(name, loader, origin=file, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec


class LazyPackage(ModuleType):
    """A package whose own code has not run yet, but whose modules can be imported."""

    def __getattr__(self, name: str) -> "Any":
        if name == "_core":  # what the package's modules import from it, and the package itself from them
            return __import__(f"{self.__name__}._core", fromlist=("",))
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None and self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def import_lazily(name: str, folder: str) -> None:
    """Make a package known that is in `folder`."""
    file = f"{folder}/__init__.py"
    spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=True)
    spec.submodule_search_locations = [folder]
    spec.has_location = True
    package = module_from_spec(spec)
    package.__class__ = LazyPackage
    sys.modules[name] = package


def import_pickle() -> None:
    """Import `_pickle`, which wants one function of functools, without all that functools and collections are."""
    if "functools" in sys.modules:
        return
    functools = ModuleType("functools")
    vars(functools)["partial"] = partial
    sys.modules["functools"] = functools
    try:
        import _pickle  # noqa: F401
    finally:
        del sys.modules["functools"]


def start(folder: str, sent: "Sent", control: int, parent: int, tracker: int) -> None:
    """Be a template; `folder` is where Hasten's package lies, `sent` holds files and code of modules."""
    finder = SentModules(sent)
    sys.meta_path.insert(0, finder)
    import_pickle()
    import_lazily("hasten", folder)
    from hasten._pool.template_server import main

    sys.meta_path.remove(finder)
    main(control, parent, tracker)
