"""Random expressions give the same bits compiled as in plain Python and NumPy."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

import hasten
from tests.fuzz.settings import ROUNDS, SEED

NAMES = ("x", "y", "z")


def expression(chance: random.Random, depth: int) -> str:
    """Return an expression of floats, or of arrays of them."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice([*NAMES, repr(round(chance.uniform(-3, 3), 2))])
    left, right = expression(chance, depth - 1), expression(chance, depth - 1)
    return chance.choice([f"({left} + {right})", f"({left} - {right})", f"({left} * {right})", f"(-{left})"])


def function_of(text: str) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(f"def run({', '.join(NAMES)}):\n    return {text}", space)
    function: Callable[..., Any] = space["run"]
    return function


def bits(value: Any) -> bytes:
    return np.asarray(value, dtype=np.float64).tobytes()


def test_floats_and_arrays() -> None:
    chance = random.Random(SEED)
    numbers = np.random.default_rng(SEED)
    for _ in range(max(ROUNDS // 10, 1)):
        text = expression(chance, 4)
        plain = function_of(text)
        compiled = hasten.njit(plain)
        floats = [chance.uniform(-1e3, 1e3) for _ in NAMES]
        arrays = [numbers.normal(size=chance.choice([1, 7, 64])) for _ in NAMES[:1]]
        arrays += [numbers.normal(size=arrays[0].size) for _ in NAMES[1:]]
        for values in (floats, arrays, [arrays[0], *floats[1:]]):
            assert bits(compiled(*values)) == bits(plain(*values)), f"{text}, of {values}"
