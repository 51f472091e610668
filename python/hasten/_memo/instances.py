"""Caches of methods that don't keep their instances alive: one cache for each instance."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any


class PerInstance:
    """Stands in the class; ``instance.method`` is a method of a cache that belongs to the instance, and goes with it.

    Parameters
    ----------
    function : callable
        The method.
    make : callable
        Makes a cache of it, for the instance that a weak reference leads to, whose keys don't hold that.
    """

    _hasten_is_cache = True
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], make: Callable[[weakref.ref[Any]], Any]) -> None:
        functools.update_wrapper(self, function)
        self._make = make
        # By identity, because instances may be equal, or have no hash.
        self._caches: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self.cache_of(instance), instance)

    def __call__(self, instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call as a function of the class."""
        return self.cache_of(instance)(instance, *args, **kwargs)

    def cache_of(self, instance: Any) -> Any:
        """Return the cache of one instance."""
        place = id(instance)
        found = self._caches.get(place)
        if found is not None:
            return found[1]
        try:
            reference = weakref.ref(instance, lambda _: self._caches.pop(place, None))
        except TypeError as error:
            name = type(instance).__qualname__
            raise TypeError(
                f"per_instance=True needs weak references, which instances of {name!r} don't allow; "
                "add '__weakref__' to its __slots__"
            ) from error
        return self._caches.setdefault(place, (reference, self._make(reference)))[1]

    def cache_clear(self) -> None:
        """Forget the values of all instances."""
        for _, cache in list(self._caches.values()):
            cache.cache_clear()

    def cache_info(self) -> dict[int, Any]:
        """Report on the caches of all instances, by the instances' identities."""
        return {place: cache.cache_info() for place, (_, cache) in list(self._caches.items())}

    def __reduce__(self) -> str:
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]
