"""Who a process of the template is, for multiprocessing, which it imports only when something asks for it.

Importing multiprocessing takes longer than all else that a worker does until its first result. A process of the
template does without until a task or the main module imports it, and then finds itself in it, its parent and its
settings as after any other start method.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_PACKAGE = "multiprocessing"


class Identity:
    """What multiprocessing is to know of this process."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}  # for `spawn.prepare`
        self.tracker = -1  # the descriptor of the resource tracker
        self.is_inheriting = False  # multiprocessing refuses to start processes meanwhile
        self.state: dict[str, Any] | None = None  # of the process object, once it runs
        self.parent = -1  # the parent's pidfd

    def is_needed(self) -> bool:
        """Whether multiprocessing has been imported, so that what changes is to be told."""
        return _PACKAGE in sys.modules

    def settle(self) -> None:
        """Tell multiprocessing who this process is."""
        from multiprocessing import process, resource_tracker, spawn

        if self.tracker >= 0:
            resource_tracker._resource_tracker._fd = self.tracker  # type: ignore[attr-defined]
        settings, self.settings = self.settings, {}
        spawn.prepare(settings)
        if self.is_inheriting:
            process.current_process()._inheriting = True  # type: ignore[attr-defined]
        if self.state is not None:
            made = make_process(self.state)
            parent = process._ParentProcess(made._parent_name, made._parent_pid, self.parent)  # type: ignore[attr-defined]
            vars(process).update(_parent_process=parent, _current_process=made)

    def while_inheriting(self, action: Callable[[], Any]) -> Any:
        """Do something that must not start processes, as the import of the main module."""
        self._set_inheriting(True)
        try:
            return action()
        finally:
            self._set_inheriting(False)

    def _set_inheriting(self, is_inheriting: bool) -> None:
        self.is_inheriting = is_inheriting
        if self.is_needed():
            from multiprocessing import process

            vars(process.current_process()).pop("_inheriting", None)
            if is_inheriting:
                process.current_process()._inheriting = True  # type: ignore[attr-defined]


def make_process(state: dict[str, Any]) -> Any:
    """Return the object of a process from what `state_of` said."""
    from multiprocessing import process

    from hasten._pool.template_process import TemplateProcess

    made = TemplateProcess.__new__(TemplateProcess)
    config = {**state["_config"], "authkey": process.AuthenticationString(state["_config"]["authkey"])}  # type: ignore[attr-defined]
    vars(made).update(state, _config=config)
    return made


def state_of(process: Any) -> dict[str, Any]:
    """Return the attributes of a process object in a form that is unpickled without multiprocessing."""
    state = vars(process)
    config = {**state["_config"], "authkey": bytes(state["_config"]["authkey"])}
    return {**state, "_config": config}


class _Finder:
    """Waits for the import of multiprocessing."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the package as Python does; when it has run, it is told who this process is."""
        if fullname != _PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_settle(module: ModuleType) -> None:
            sys.meta_path.remove(self)
            execute(module)
            identity.settle()

        vars(spec.loader)["exec_module"] = execute_and_settle
        return spec


identity = Identity()


def wait_for_import() -> None:
    """Let this process and its forks know who they are as soon as they import multiprocessing."""
    sys.meta_path.insert(0, _Finder())
