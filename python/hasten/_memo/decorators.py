"""The decorators, and what `cache_info` returns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, overload

from hasten import _core

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    class CacheParameters(TypedDict):
        """What ``cache_parameters()`` returns, beside the keywords that are Hasten's own."""

        maxsize: int | None
        typed: bool

    class Keywords(TypedDict, total=False):
        """What the decorators take beside what functools' take; the docstring of `lru_cache` tells what it means."""

        ttl: float | None
        max_bytes: int | None
        single_flight: bool
        key: Callable[..., Any] | None
        ignore: str | Iterable[str]
        content: bool | None
        disk: bool | str | PathLike[str] | None
        policy: Literal["lru", "lfu", "s3fifo"]
        per_instance: bool


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

        __name__: str
        __qualname__: str
        __wrapped__: Callable[..., T]

        def __call__(self, *args: Any, **kwargs: Any) -> T: ...
        def __get__(self, instance: object, owner: type | None = None, /) -> CachedFunction[T]: ...
        def cache_info(self) -> CacheInfo: ...
        def cache_parameters(self) -> CacheParameters: ...


@overload
def lru_cache(maxsize: Callable[..., T], typed: bool = False) -> CachedFunction[T]: ...


@overload
def lru_cache(
    maxsize: int | None = 128,
    typed: bool = False,
    **own: Unpack[Keywords],
) -> Callable[[Callable[..., T]], CachedFunction[T]]: ...


def lru_cache(maxsize: int | Callable[..., Any] | None = 128, typed: bool = False, **own: Any) -> Any:
    """Remember what a function returned for its last `maxsize` distinct arguments, as `functools.lru_cache` does.

    Without other keywords than those of `functools` it behaves as that does, but that arrays and data frames count by
    their content, and that of an ``async def`` function it remembers what awaiting it gives. With one of the keywords,
    lists, dicts, sets and whatever can be pickled count by their content, too.

    Parameters
    ----------
    maxsize : int or None
        How many values are kept; None: any number.
    typed : bool
        Whether arguments of different types are distinct even where they are equal: 3 and 3.0.
    ttl : float, optional
        How many seconds a value is valid.
    max_bytes : int, optional
        What values and keys may take together; a value that is larger is not kept.
    single_flight : bool
        Of several callers that want the same value at the same time one computes it, the others wait for that one.
    key : callable, optional
        Called with the arguments; what it returns is the key.
    ignore : str or iterable of str
        Parameters that are no part of the key.
    content : bool, optional
        False: what can't be hashed is an error, but for arrays. True asks for content where no other keyword does.
    disk : bool or path, optional
        Also keep values on disk, for other processes and later ones; True: in Hasten's directory for caches.
    policy : {"lru", "lfu", "s3fifo"}
        Which value goes when there is no room: the least recently used, the least often used, or by S3-FIFO.
    per_instance : bool
        Of a method: a cache for each instance, which doesn't keep the instance alive.
    """
    if isinstance(maxsize, int):
        maxsize = max(maxsize, 0)
    elif callable(maxsize) and isinstance(typed, bool):
        return _cached(maxsize, 128, typed, own)
    elif maxsize is not None:
        raise TypeError("Expected first argument to be an integer, a callable, or None")
    if own:
        from hasten._memo.options import checked

        checked(maxsize, typed, own)  # reported where the decorator is called
    return functools.partial(_cached, maxsize=maxsize, typed=typed, own=own)


@overload
def cache(user_function: Callable[..., T], /) -> CachedFunction[T]: ...


@overload
def cache(
    *,
    typed: bool = False,
    **own: Unpack[Keywords],
) -> Callable[[Callable[..., T]], CachedFunction[T]]: ...


def cache(user_function: Callable[..., Any] | None = None, /, **keywords: Any) -> Any:
    """Remember all that a function returned, as `functools.cache` does; the keywords are those of `lru_cache`."""
    made = lru_cache(None, **keywords)
    return made if user_function is None else made(user_function)


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool, own: dict[str, Any]) -> Any:
    is_async = _is_coroutine_function(function)
    if not own and not is_async:
        made: Any = _core.Cache(function, maxsize, typed, CacheInfo, freeze=_freeze_arrays)
        functools.update_wrapper(made, function)
        made.cache_parameters = lambda: {"maxsize": maxsize, "typed": typed}
    else:
        made = _layered(function, maxsize, typed, own, is_async)
    if isinstance(function, _core.Dispatcher):
        # Compiled code calls the compiled function itself: that is right, and quicker than asking Python.
        made.__hasten_function__ = function
    return made


def _layered(
    function: Callable[..., Any], maxsize: int | None, typed: bool, own: dict[str, Any], is_async: bool
) -> Any:
    from hasten._memo.instances import PerInstance
    from hasten._memo.layers import build
    from hasten._memo.options import checked

    options = checked(maxsize, typed, own)
    if options.per_instance:
        made: Any = PerInstance(function, lambda instance: build(function, options, CacheInfo, is_async, instance))
    else:
        made = build(function, options, CacheInfo, is_async)
    made.cache_parameters = lambda: {"maxsize": maxsize, "typed": typed, **options.own()}
    return made


def _freeze_arrays(value: Any) -> Any:
    from hasten._memo.keys import freeze_arrays

    return freeze_arrays(value)


def _is_coroutine_function(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)
    return bool(getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x80)  # CO_COROUTINE
