"""Functions with assert statements, in a module whose asserts pytest leaves alone."""

from __future__ import annotations


def asserts(n):
    assert n > 5, f"n is {n:>5d} and {n * 1.5:.3f} {n!r} {n:x} {n=}"
    assert n > 7
    assert n > 8, n
    return n
