"""Offers Hasten to joblib as a backend, without importing joblib: ``joblib.parallel_config(backend="hasten")``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE = "joblib.parallel"


def offer() -> None:
    """Put the backend into joblib's table, now or when joblib is imported."""
    module = sys.modules.get(_MODULE)
    if module is not None:
        _register(module)
    elif not any(isinstance(finder, _JoblibFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _JoblibFinder())


def _register(module: ModuleType) -> None:
    backends: dict[str, Any] = module.BACKENDS
    backends.setdefault("hasten", _make_backend)


def _make_backend(**options: Any) -> Any:
    from hasten._pool.joblib import HastenBackend

    return HastenBackend(**options)


class _JoblibFinder:
    """Waits for the import of the module that has joblib's table."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as Python does, to be registered with after it was executed."""
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            _register(module)

        vars(spec.loader)["exec_module"] = execute_and_register
        return spec
