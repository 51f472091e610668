"""`functools`; Hasten's parts are in it: ``from hasten import functools`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import (
        WRAPPER_ASSIGNMENTS,
        WRAPPER_UPDATES,
        cached_property,
        cmp_to_key,
        partial,
        partialmethod,
        reduce,
        singledispatch,
        singledispatchmethod,
        total_ordering,
        update_wrapper,
        wraps,
    )

    from hasten._memo import cache, lru_cache

    __all__ = [
        "WRAPPER_ASSIGNMENTS",
        "WRAPPER_UPDATES",
        "cache",
        "cached_property",
        "cmp_to_key",
        "lru_cache",
        "partial",
        "partialmethod",
        "reduce",
        "singledispatch",
        "singledispatchmethod",
        "total_ordering",
        "update_wrapper",
        "wraps",
    ]
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "functools")
    del become_mirror, TYPE_CHECKING
