"""Caches with keywords: what happens at a miss, and the classes that answer for it."""

from __future__ import annotations

import functools
import inspect
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from hasten._core import Cache
from hasten._memo.disk import Disk
from hasten._memo.flights import Flights
from hasten._memo.keys import freeze, freeze_arrays, freeze_by_pickle, freeze_with_classes
from hasten._memo.options import Options
from hasten._memo.sizes import size_of

_ABSENT = object()


class Miss:
    """What a cache asks when it has no value: the disk, then the function; one caller at a time where wished."""

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        self.function = function
        self.cache: Any = None  # whose misses they are
        self.instance: weakref.ref[Any] | None = None  # whose cache that is, where it is no part of keys
        self.disk = None if options.disk in (None, False) else Disk(function, options.disk)
        self.ttl = options.ttl
        self.disk_hits = 0
        self.flights: Any = Flights() if options.single_flight else None

    def __call__(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the value, which the cache has by then."""
        if self.flights is None:
            return self.compute(key, args, kwargs)
        return self.flights.run(key, lambda: self.compute(key, args, kwargs))

    def compute(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the value from disk or the function."""
        path = self.path_of(key)
        value = self.from_disk(key, path)
        if value is _ABSENT:
            start = time.perf_counter()
            value = self.function(*args, **kwargs)
            self.keep(key, path, value, time.perf_counter() - start)
        return value

    def path_of(self, key: Any) -> str | None:
        """Return the file for a key; None where nothing is kept on disk."""
        if self.disk is None:
            return None
        if self.instance is not None:  # other processes can't tell it by its identity
            key = (_content_of(self.instance()), key)
        return self.disk.path_of(key)

    def from_disk(self, key: Any, path: str | None) -> Any:
        """Return the value in a file, and remember it."""
        found = self.disk.load(path) if self.disk is not None and path is not None else None
        if found is None or (self.ttl is not None and not 0 <= time.time() - found.made_at < self.ttl):
            return _ABSENT
        self.disk_hits += 1
        self.cache._store(key, found.value, found.took, found.took)
        return found.value

    def keep(self, key: Any, path: str | None, value: Any, took: float) -> None:
        """Remember a value that was computed."""
        self.cache._store(key, value, took, 0.0)
        if self.disk is not None and path is not None:
            self.disk.save(path, value, took)


class LayeredCache(Cache):
    """A cache with keywords. What its ``cache_`` functions do to memory, they do to the disk tier, too."""

    _miss: Miss
    _lead: tuple[None, ...]  # stands for `self` where that is no part of keys

    def cache_info(self) -> Any:
        """Report hits, misses and sizes, time saved, and hits on disk."""
        info = super().cache_info()
        info.disk_hits = self._miss.disk_hits
        return info

    def cache_clear(self) -> None:
        """Forget all values and counts."""
        super().cache_clear()
        self._miss.disk_hits = 0
        if self._miss.disk is not None:
            self._miss.disk.clear()

    def cache_contains(self, *args: Any, **kwargs: Any) -> bool:
        """Tell whether a call with these arguments would be a hit, in memory or on disk."""
        if super().cache_contains(*self._lead, *args, **kwargs):
            return True
        path = self._path_of(args, kwargs)
        return self._miss.disk is not None and path is not None and self._miss.disk.load(path) is not None

    def cache_pop(self, *args: Any, **kwargs: Any) -> Any:
        """Forget the value for these arguments, and return it."""
        path = self._path_of(args, kwargs)
        found = None
        if self._miss.disk is not None and path is not None:
            found = self._miss.disk.load(path)
            self._miss.disk.remove(path)
        try:
            return super().cache_pop(*self._lead, *args, **kwargs)
        except KeyError:
            if found is None:
                raise
            return found.value

    def cache_put(self, value: Any, /, *args: Any, **kwargs: Any) -> None:
        """Remember a value for these arguments."""
        super().cache_put(value, *self._lead, *args, **kwargs)
        path = self._path_of(args, kwargs)
        if self._miss.disk is not None and path is not None:
            self._miss.disk.save(path, value, 0.0)

    def _path_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        return self._miss.path_of(self._key(*self._lead, *args, **kwargs)) if self._miss.disk is not None else None


class AsyncCache(LayeredCache):
    """A cache of an ``async def`` function: calls return coroutines, what is remembered is what they return."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return a coroutine that gives the value."""
        return self._answer(self._key(*args, **kwargs), args, kwargs)

    async def _answer(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value = self._look_up(key, _ABSENT)
        if value is not _ABSENT:
            return value
        if self._miss.flights is None:
            return await self._compute(key, args, kwargs)
        return await self._miss.flights.run(key, lambda: self._compute(key, args, kwargs))

    async def _compute(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        miss = self._miss
        path = miss.path_of(key)
        value = miss.from_disk(key, path)
        if value is _ABSENT:
            start = time.perf_counter()
            value = await miss.function(*args, **kwargs)
            miss.keep(key, path, value, time.perf_counter() - start)
        return value


def build(
    function: Callable[..., Any],
    options: Options,
    info_type: Callable[..., Any],
    is_async: bool,
    instance: weakref.ref[Any] | None = None,
) -> Any:
    """Make the cache that some options ask for; with `per_instance` that of one instance."""
    miss = Miss(function, options)
    miss.instance = instance
    kind = AsyncCache if is_async else LayeredCache
    if is_async and options.single_flight:
        from hasten._memo.coroutines import TaskFlights

        miss.flights = TaskFlights()
    has_hook = is_async or options.single_flight or miss.disk is not None
    skip = 1 if options.per_instance else 0
    made = kind(
        function,
        options.maxsize,
        options.typed,
        info_type,
        policy=options.policy,
        ttl=-1 if options.ttl is None else round(1e9 * options.ttl),
        max_bytes=options.max_bytes,
        freeze=_freezer(options, miss),
        make_key=_key_maker(function, options, skip),
        on_miss=miss if has_hook else None,
        size_of=size_of,
        skip=skip,
    )
    functools.update_wrapper(made, function)  # before our own attributes: the function may be a cache, too
    miss.cache = made
    made._miss = miss
    made._lead = (None,) * skip
    if is_async:
        _mark_as_coroutine_function(made)
    return made


def _mark_as_coroutine_function(made: Any) -> None:
    mark = getattr(inspect, "markcoroutinefunction", None)  # of Python 3.12 and later
    if mark is not None:
        mark(made)
    else:
        import asyncio

        vars(made)["_is_coroutine"] = vars(asyncio.coroutines)["_is_coroutine"]


def _content_of(instance: Any) -> Any:
    try:
        return freeze_by_pickle(instance)
    except TypeError as error:
        raise TypeError(
            f"per_instance=True with disk= tells instances of {type(instance).__qualname__!r} apart by what they hold, "
            "and this one can't be pickled; give the class a __getstate__, or leave the disk out"
        ) from error


def _freezer(options: Options, miss: Miss) -> Callable[[Any], Any]:
    if not options.takes_content():
        return freeze_arrays
    return freeze if miss.disk is None else freeze_with_classes


def _key_maker(function: Callable[..., Any], options: Options, skip: int) -> Callable[..., Any] | None:
    if options.key is not None:
        return options.key
    return _without(function, options.ignore, options.typed, skip) if options.ignore else None


def _without(function: Callable[..., Any], ignored: Iterable[str], typed: bool, skip: int) -> Callable[..., Any]:
    """Return what makes keys of all arguments but some."""
    parameters = inspect.signature(function).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    unknown = [name for name in ignored if name not in parameters and not takes_any]
    if unknown:
        raise ValueError(
            f"ignore={unknown[0]!r}: {getattr(function, '__qualname__', function)} has no such parameter; "
            f"it has {', '.join(parameters) or 'none'}"
        )
    names = frozenset(ignored)
    positions = {place - skip for place, name in enumerate(parameters) if name in names}
    kinds = [one.kind.name for one in parameters.values()]
    # Ignored ``*args``: everything from there on.
    end = next((place for place in positions if kinds[place + skip] == "VAR_POSITIONAL"), None)

    def make_key(*args: Any, **kwargs: Any) -> Any:
        args = args[:end]
        kept = tuple(value for place, value in enumerate(args) if place not in positions)
        named = tuple((name, value) for name, value in kwargs.items() if name not in names)
        if not typed:
            return kept, named
        return kept, named, tuple(map(type, kept)), tuple(type(value) for _, value in named)

    return make_key
