"""Helpers for tests, where numba has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def make_tag_decorator(known_tags: Iterable[str]) -> Callable[..., Any]:
    """Make a decorator that labels tests.

    Parameters
    ----------
    known_tags : iterable of str
        The labels that there are.

    Returns
    -------
    callable
        ``tag(*labels)``, which gives the decorator.
    """
    allowed = frozenset(known_tags)

    def tag(*tags: str) -> Callable[[Any], Any]:
        if set(tags) - allowed:
            raise ValueError(f"unknown tags: {', '.join(sorted(set(tags) - allowed))}")

        def label(test: Any) -> Any:
            test.tags = set(tags)
            return test

        return label

    return tag
