"""Functions and classes that travel whole, for a worker can't find them by their names. `namespaces` receives them."""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Callable
from io import BytesIO
from multiprocessing.reduction import ForkingPickler
from typing import Any

import cloudpickle

from hasten._pool.main_module import can_be_imported
from hasten._pool.namespaces import arrive_at, is_definition, set_class, set_function


class _Namespace:
    """Stands for a function's globals on the way."""

    def __init__(self, arrive: Callable[..., Any], *arguments: Any) -> None:
        self.arrive = arrive
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.arrive, self.arguments


class NamespacePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles functions by value so that those of one namespace share one where they arrive.

    Attributes
    ----------
    arrive
        What returns the namespace there, given its key and the names that every namespace has.
    complete
        What completes a function there, given a tuple: the key, the names that it uses, and how cloudpickle would.
    """

    arrive: Callable[..., Any]
    complete: Callable[..., Any]

    def key_of(self, namespace: dict[str, Any]) -> Any:
        """Return what a namespace is known by where it arrives."""
        raise NotImplementedError

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:
        make, arguments, (state, slots), items, pairs, set_state = super()._dynamic_function_reduce(func)
        key = self.key_of(func.__globals__)
        code, basics, *rest = arguments
        names, slots["__globals__"] = slots["__globals__"], {}
        known: dict[Any, _Namespace] = self.__dict__.setdefault("_known", {})
        namespace = known.setdefault(key, _Namespace(self.arrive, key, basics))
        whole = (key, names, (state, slots), set_state)
        return make, (code, namespace, *rest), whole, items, pairs, self.complete


class _Pickler(NamespacePickler):
    arrive = staticmethod(arrive_at)
    complete = staticmethod(set_function)

    def key_of(self, namespace: dict[str, Any]) -> str:
        if namespace is vars(sys.modules["__main__"]):
            return "__main__"
        return f"{namespace.get('__name__')} {id(namespace)}"

    def reducer_override(self, obj: Any) -> Any:
        if is_definition(obj) and getattr(obj, "__module__", None) == "__main__":
            if can_be_imported() and _is_found(obj):
                return NotImplemented  # by its name
            if isinstance(obj, type):
                return self._class_of_main(super().reducer_override(obj))
        return super().reducer_override(obj)

    def _class_of_main(self, reduced: Any) -> Any:
        if not isinstance(reduced, tuple) or len(reduced) != 6:
            return reduced
        make, arguments, state, items, pairs, set_state = reduced
        return make, arguments, (state, set_state), items, pairs, set_class


def _is_found(definition: Any) -> bool:
    found: Any = sys.modules["__main__"]
    for name in definition.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is definition


def dumps(value: object, buffers: list[Any] | None = None) -> bytes:
    """Pickle a value with all that a worker may not find; where there is a list of `buffers`, those are put there."""
    buffer = BytesIO()
    pickler = _Pickler(buffer, pickle.HIGHEST_PROTOCOL, None if buffers is None else buffers.append)
    pickler.dispatch_table = pickler.dispatch_table.new_child(getattr(ForkingPickler, "_extra_reducers", {}))
    pickler.dump(value)
    return buffer.getvalue()
