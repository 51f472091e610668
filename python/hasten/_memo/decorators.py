"""The decorators, and what `cache_info` returns."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

from hasten import _core

if TYPE_CHECKING:
    from typing import TypedDict

    class CacheParameters(TypedDict):
        """What ``cache_parameters()`` returns, beside the keywords that are Hasten's own."""

        maxsize: int | None
        typed: bool


T = TypeVar("T")


class _Counts(NamedTuple):
    hits: int
    misses: int
    maxsize: int | None
    currsize: int


class CacheInfo(_Counts):
    """What `functools` reports, equal to its tuple, and more as attributes.

    Attributes
    ----------
    bytes : int or None
        What values, keys and table take; None where nothing asked for it to be measured.
    time_saved : float or None
        The seconds that the calls took which hits stand for; None likewise.
    disk_hits : int
        How many of the misses were answered from disk.
    """

    bytes: int | None
    time_saved: float | None
    disk_hits: int

    def __new__(
        cls,
        hits: int,
        misses: int,
        maxsize: int | None,
        currsize: int,
        bytes: int | None = None,
        time_saved: float | None = None,
    ) -> CacheInfo:
        self = super().__new__(cls, hits, misses, maxsize, currsize)
        self.bytes = bytes
        self.time_saved = time_saved
        self.disk_hits = 0
        return self


if TYPE_CHECKING:

    class CachedFunction(_core.Cache, Generic[T]):
        """A function that remembers what it returned."""

        __wrapped__: Callable[..., T]

        def __call__(self, *args: Any, **kwargs: Any) -> T: ...
        def cache_parameters(self) -> CacheParameters: ...


@overload
def lru_cache(maxsize: Callable[..., T], typed: bool = False) -> CachedFunction[T]: ...


@overload
def lru_cache(maxsize: int | None = 128, typed: bool = False) -> Callable[[Callable[..., T]], CachedFunction[T]]: ...


def lru_cache(maxsize: int | Callable[..., Any] | None = 128, typed: bool = False) -> Any:
    """Remember what a function returned for its last `maxsize` distinct arguments, as `functools.lru_cache` does.

    Parameters
    ----------
    maxsize : int or None
        How many values are kept; None: any number.
    typed : bool
        Whether arguments of different types are distinct even where they are equal: 3 and 3.0.
    """
    if isinstance(maxsize, int):
        maxsize = max(maxsize, 0)
    elif callable(maxsize) and isinstance(typed, bool):
        return _cached(maxsize, 128, typed)
    elif maxsize is not None:
        raise TypeError("Expected first argument to be an integer, a callable, or None")
    return functools.partial(_cached, maxsize=maxsize, typed=typed)


def cache(user_function: Callable[..., T], /) -> CachedFunction[T]:
    """Remember everything that a function returned, as `functools.cache` does."""
    return cast("CachedFunction[T]", _cached(user_function, None, False))


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    made: Any = _core.Cache(function, maxsize, typed, CacheInfo)
    made.cache_parameters = lambda: {"maxsize": maxsize, "typed": typed}
    if isinstance(function, _core.Dispatcher):
        # Compiled code calls the compiled function itself: that is right, and quicker than asking Python.
        made.__hasten_function__ = function
    return functools.update_wrapper(made, function)
