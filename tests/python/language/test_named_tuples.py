"""Namedtuples: as arguments, results and globals, made in compiled code, by the class that they have."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hasten import errors, njit
from tests.python.beside_python import check

Point = collections.namedtuple("Point", ("x", "y"))
Twin = collections.namedtuple("Twin", ("x", "y"))
Empty = collections.namedtuple("Empty", ())


class Step(NamedTuple):
    width: float
    times: int = 3
    name: str = "plain"


class Loud(Point):
    def __len__(self) -> int:
        return 100


ORIGIN = Point(0, 2.5)


def parts(p: Any) -> Any:
    a, b = p
    return p.x, p.y, p[0], p[-1], len(p), a, b, p[::-1], p + (1,)  # noqa: RUF005


def moved(p: Any, by: Any) -> Any:
    return Point(p.x + by, y=p.y)


def of_global() -> Any:
    return ORIGIN, ORIGIN.y


def with_defaults(w: Any) -> Any:
    return Step(w), Step(w, 7), Step(times=1, width=w, name="other")


def same_class(p: Any, a: Any, b: Any) -> Any:
    return type(p)(a, b)


def compared(p: Any, q: Any) -> Any:
    return p == q, p != q, p < q, p <= q, p > q, p >= q, 2 in p


def either(first: Any, p: Any, q: Any) -> Any:
    return p if first else q


def identity(x: Any) -> Any:
    return x


@pytest.mark.parametrize("p", [Point(1, 2), Point(1, 2.5), Point(2j, np.float32(1.5))])
def test_fields_and_items(p: Any) -> None:
    check(parts, p)
    check(moved, p, 1)
    check(same_class, p, 4, 5.5)


def test_results_have_the_class() -> None:
    for value in (Point(1, 2.5), Twin(1, 2.5), Empty(), Point(Point(1, 2), (3, Twin(4, 5)))):
        check(identity, value)
    check(of_global)
    check(with_defaults, 1.5)
    check(either, True, Point(1, 2), Point(3, 4))


def test_comparisons_are_those_of_tuples() -> None:
    for q in (Point(1, 2), Twin(1, 2), Twin(0, 9), (1, 2)):
        check(compared, Point(1, 2), q)


def test_arrays_inside() -> None:
    def scaled(p: Any) -> Any:
        return Point(p.x * p.y, p.x.sum())

    found = njit(scaled)(Point(np.arange(3.0), 2))
    assert type(found) is Point
    assert found.x.tolist() == [0.0, 2.0, 4.0]
    assert found.y == 3.0


def test_classes_are_told_apart() -> None:
    compiled = njit(identity)
    for value in (Point(1, 2), Twin(1, 2), (1, 2)) * 3:
        assert type(compiled(value)) is type(value)
    assert len(compiled.signatures) == 3
    assert compiled.signatures[0] == ("Point(int, int)",)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda make: make(1, 2, 3), "takes 2 arguments but 3 were given"),
        (lambda make: make(1), "missing the argument 'y'"),
        (lambda make: make(1, z=2), "unexpected keyword argument 'z'"),
        (lambda make: make(1, x=2), "multiple values for argument 'x'"),
        (lambda make: make(1, 2).z, "has no attribute 'z'"),
    ],
)
def test_misuse_is_refused(function: Any, message: str) -> None:
    with pytest.raises(errors.TypingError, match=message):
        njit(function)(Point)


def test_a_class_meets_no_other() -> None:
    with pytest.raises(errors.TypingError, match=r"Point\(int, int\) on one way and tuple\(int, int\)"):
        njit(either)(True, Point(1, 2), (1, 2))


def test_a_subclass_with_methods_is_no_mere_tuple() -> None:
    with pytest.raises(errors.TypingError, match="Subclasses may behave in any way"):
        njit(identity)(Loud(1, 2))


PROGRAM = """
import collections, hasten
Pair = collections.namedtuple("Pair", {fields}, defaults=({default},))
@hasten.njit
def f(a):
    p = Pair(a)
    return 10 * p.x + p.y
print(f(1), hasten.stats()["cache_loads"])
"""


def test_cached_code_is_that_of_the_class_as_it_is_now(tmp_path: Path) -> None:
    def run(fields: str, default: int) -> str:
        program = tmp_path / "program.py"
        program.write_text(PROGRAM.format(fields=fields, default=default))
        environment = {**os.environ, "HASTEN_CACHE_DIR": str(tmp_path / "cache")}
        found = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=True)
        return found.stdout

    assert run("('x', 'y')", 7) == "17 0\n"
    assert run("('x', 'y')", 7) == "17 1\n"
    assert run("('x', 'y')", 8) == "18 0\n"
    assert run("('y', 'x')", 8) == "81 0\n"
