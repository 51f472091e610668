"""What the keywords of the decorators may be."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

POLICIES = ("lru", "lfu", "s3fifo")


class Options(NamedTuple):
    """The keywords of `lru_cache`, checked by `checked`."""

    maxsize: int | None = 128
    typed: bool = False
    ttl: float | None = None
    max_bytes: int | None = None
    single_flight: bool = False
    key: Callable[..., Any] | None = None
    ignore: tuple[str, ...] = ()
    content: bool | None = None
    disk: Any = None
    policy: str = "lru"
    per_instance: bool = False

    def takes_content(self) -> bool:
        """Whether lists, dicts, sets and the like count by their content."""
        return self.content is not False

    def own(self) -> dict[str, Any]:
        """Return the keywords that `functools` doesn't have, as far as they say something."""
        defaults = self._field_defaults
        return {name: value for name, value in self._asdict().items() if name in OWN and value != defaults[name]}


OWN = frozenset(Options._fields) - {"maxsize", "typed"}


def checked(maxsize: int | None, typed: bool, own: dict[str, Any]) -> Options:
    """Return the keywords as options.

    Raises
    ------
    TypeError, ValueError
        Where one of them can't be; the message says what it may be.
    """
    unknown = sorted(own.keys() - OWN)
    if unknown:
        raise TypeError(f"lru_cache() has no keyword {unknown[0]!r}; beside functools' it has {', '.join(sorted(OWN))}")
    ignore = own.get("ignore", ())
    own = {**own, "ignore": (ignore,) if isinstance(ignore, str) else tuple(ignore)}
    options = Options(maxsize, bool(typed), **own)
    _check_limits(options)
    if options.key is not None and not callable(options.key):
        raise TypeError(f"key={options.key!r}: a key is made by a function of the call's arguments")
    if options.key is not None and options.ignore:
        raise ValueError("key= and ignore= exclude each other: the key's function may leave out what it likes")
    if options.policy not in POLICIES:
        raise ValueError(f"policy={options.policy!r}: a cache's policy is one of {', '.join(POLICIES)}")
    if not (options.disk is None or isinstance(options.disk, bool | str | os.PathLike)):
        raise TypeError(f"disk={options.disk!r}: the disk tier is True, or the directory where it shall lie")
    return options


def _check_limits(options: Options) -> None:
    ttl, most = options.ttl, options.max_bytes
    if ttl is not None and not (isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0 < ttl < 9e9):
        raise ValueError(f"ttl={ttl!r}: how long a value is valid is a number of seconds above 0")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most <= 0):
        raise ValueError(f"max_bytes={most!r}: the most that values may take is a number of bytes above 0")
