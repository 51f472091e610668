"""Random programs whose variables are ints, floats and NumPy's numbers by turns, under plain jit and beside Python."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hasten import jit
from tests.python.beside_python import equal, outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLES = ["a", "b", "c", "d"]
LEAVES = [*VARIABLES, "n", "x", "v[0]", "v[i % 3]", "w[1]", "1", "2", "3", "0.5", "2.5", "True"]
ARGUMENTS: list[tuple[Any, ...]] = [
    (0, 2.5, np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3])),
    (2, 0.0, np.array([0.5, -2.0, 3.0]), np.array([3, 0, 1])),
    (3, 1, np.array([1, 2, 3], dtype="f4"), np.array([1, 2], dtype="i4")),
]


class Program:
    """Writes one function."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def expression(self, depth: int = 0) -> str:
        pick = self.random.random()
        if depth > 2 or pick < 0.3:
            return self.random.choice(LEAVES)
        left, right = self.expression(depth + 1), self.expression(depth + 1)
        if pick < 0.7:
            return f"({left} {self.random.choice('+-*+-*/%')} {right})"
        if pick < 0.78:
            return f"{self.random.choice(['min', 'max'])}({left}, {right})"
        if pick < 0.86:
            return f"({left} if {self.condition(depth + 1)} else {right})"
        if pick < 0.91:
            return f"({left} {self.random.choice(['or', 'and'])} {right})"
        return f"abs({left})" if pick < 0.95 else f"-{left}"

    def condition(self, depth: int = 0) -> str:
        operator = self.random.choice(["<", ">", "==", "!=", "<=", ">="])
        return f"{self.expression(depth + 1)} {operator} {self.expression(depth + 1)}"

    def statements(self, depth: int = 1) -> list[str]:
        lines = []
        indent = "    " * depth
        for _ in range(self.random.randint(1, 3)):
            pick = self.random.random()
            name = self.random.choice(VARIABLES)
            if pick < 0.4 or depth > 2:
                lines.append(f"{indent}{name} = {self.expression()}")
            elif pick < 0.6:
                lines.append(f"{indent}{name} {self.random.choice('+-*')}= {self.expression(1)}")
            elif pick < 0.75:
                lines += [f"{indent}if {self.condition()}:", *self.statements(depth + 1)]
                lines += [f"{indent}else:", *self.statements(depth + 1)] if pick < 0.7 else []
            else:
                count = self.random.choice(["n", "2", "len(v)", "0"])
                lines += [f"{indent}for {'ij'[depth - 1]} in range({count}):", *self.statements(depth + 1)]
        return lines

    def text(self) -> str:
        start = self.random.choice(["0", "1", "0.0", "x", "n"]), self.random.choice(["v[1]", "w[0]", "2"])
        first = ["    i = 0", f"    a = {start[0]}", "    b = 0", "    c = 1.5", f"    d = {start[1]}"]
        body = [*first, *self.statements(), *self.statements()]
        return "\n".join(["def program(n, x, v, w):", *body, "    return a, b, c, d", ""])


def made(text: str, path: Path) -> Callable[..., Any]:
    path.write_text(text)
    names: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), names)
    program: Callable[..., Any] = names["program"]
    return program


def is_beyond_64_bits(result: tuple[str, Any]) -> bool:
    """Whether ints grew to where compiled code raises or rounds; docs/compatibility.md says so."""
    return result[1] is not None and any(abs(complex(x)) > 2**53 for x in result[1] if x == x)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(40))
def test_random_program(seed: int, tmp_path: Path) -> None:
    program = made(Program(seed).text(), tmp_path / f"program_{seed}.py")
    compiled = jit(program)
    for arguments in ARGUMENTS:
        expected, actual = outcome(program, arguments), outcome(compiled, arguments)
        if actual[0] == "raises OverflowError" or is_beyond_64_bits(expected):
            continue
        assert expected[0] == actual[0], f"{expected} {actual}\n{Program(seed).text()}"
        assert equal(expected[1], actual[1]), f"{expected} {actual}\n{Program(seed).text()}"
