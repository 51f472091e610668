"""Fibonacci numbers by recursion: nothing but calls."""

from collections.abc import Mapping

from hasten.demo.program import Engine, Program, Size, Variant, equal
from hasten.functools import lru_cache


def fibonacci(n: int) -> int:
    """Return the n-th Fibonacci number the slow way."""
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def fibonacci_remembered(n: int) -> int:
    """Return it with what was computed before kept, as a decorated function keeps it."""

    @lru_cache(maxsize=None)
    def number(n: int) -> int:
        if n < 2:
            return n
        return number(n - 1) + number(n - 2)

    return number(n)


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    n = {"full": 30, "quick": 27, "tiny": 10}[size]
    variants = [
        Variant("plain", lambda: fibonacci(n)),
        Variant("hasten.lru_cache", lambda: fibonacci_remembered(n), note="starts with an empty cache each time"),
    ]
    for engine in filter(None, engines.values()):
        compiled = engine.compiled(fibonacci)
        variants.append(Variant(f"{engine.name}.njit", lambda f=compiled: f(n), True))  # type: ignore[misc]
    absent = [name for name, engine in engines.items() if engine is None]
    return Program("recursive Fibonacci", f"the Fibonacci number {n} by recursion", variants, equal, absent)
