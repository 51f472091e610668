"""Python's syntax arrives in the compiler whole: what the tree has a place for, and the names of the others."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from hasten import _core


def body(text: str, spans: bool = False) -> str:
    """Return the tree of a function with this body, without the first line and its indentation."""
    names: dict[str, Any] = {}
    exec("def f(a, b, c, xs):\n" + textwrap.indent(textwrap.dedent(text), "    "), names)
    lines: str = _core.debug_syntax(names["f"], spans)
    return textwrap.dedent("\n".join(lines.splitlines()[1:])).strip()


def expression(text: str) -> str:
    return body(f"return {text}").removeprefix("return ")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("None, True, False, ...", "(tuple None True False ...)"),
        ("0, 2**1, 9223372036854775807", "(tuple 0 (** 2 1) 9223372036854775807)"),
        ("9223372036854775808", "9223372036854775808"),
        ("1" + 30 * "0", "1" + 30 * "0"),
        ("1.5, 1e300, 2j", "(tuple float:1.5 float:1.0000000000000001e+300 complex:0,2)"),
        ("'ä\\n\"', b'\\xff'", '(tuple "ä\\x0a\\"" b"\\xff")'),
        ("'one' 'two'", '"onetwo"'),
        ("a + b - a * b / a // b % a ** b @ c", "(- (+ a b) (@ (% (// (/ (* a b) a) b) (** a b)) c))"),
        ("a << 1 >> 2 | b & c ^ a", "(| (>> (<< a 1) 2) (^ (& b c) a))"),
        ("-a, +a, ~a, not a", "(tuple (- a) (+ a) (~ a) (not a))"),
        ("a and b and c or a", "(or (and a b c) a)"),
        ("a < b", "(< a b)"),
        ("a == b != c <= a >= b > c", "(compare a == b != c <= a >= b > c)"),
        ("a is b, a is not b, a in xs, a not in xs", "(tuple (is a b) (is-not a b) (in a xs) (not-in a xs))"),
        ("a(b, *xs, k=c, **a)", "(call a b (star xs) k=c **a)"),
        ("a.b.c", "(.c (.b a))"),
        (
            "xs[a], xs[a, b], xs[1:], xs[:2], xs[::3], xs[a:b, ..., None]",
            "(tuple (at xs a) (at xs (tuple a b)) (at xs (slice 1 _ _)) (at xs (slice _ 2 _)) (at xs (slice _ _ 3))"
            " (at xs (tuple (slice a b _) ... None)))",
        ),
        ("[], [a], {a, b}, (), {}", "(tuple (list) (list a) (set a b) (tuple) (dict))"),
        ("{a: 1, **b}", "(dict a 1 _ b)"),
        ("a if b else c", "(if b a c)"),
        ("f'{a}x{b!r:>{c}}'", '(fstring (format a _) "x" (format!r b (fstring ">" (format c _))))'),
        ("(a := b)", "(:= a b)"),
        ("lambda x, /, y=1, *z, k=2, **w: x", "(lambda (/x y:1 *z =k:2 **w) x)"),
        ("[x for x in xs if x if a for y in x]", "(listcomp x (for x xs if x if a) (for y x))"),
        ("{x for x in xs}, {x: 1 for x in xs}", "(tuple (setcomp x (for x xs)) (dictcomp x 1 (for x xs)))"),
        ("sum(x for x in xs)", "(call sum (generator x (for x xs)))"),
    ],
)
def test_expressions(text: str, tree: str) -> None:
    assert expression(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", "expr a"),
        ("a = b = c", "assign a b = c"),
        ("a, *b = xs", "assign (tuple a (star b)) = xs"),
        ("a += 1; a @= b", "assign a += 1\nassign a @= b"),
        ("a: int\na: int = 1", "declare a : int\ndeclare a : int = 1"),
        ("return", "return"),
        ("if a:\n  pass\nelif b:\n  pass\nelse:\n  pass", "if a\n  pass\nelse\n  if b\n    pass\n  else\n    pass"),
        ("while a:\n  break\nelse:\n  pass", "while a\n  break\nelse\n  pass"),
        ("for a, b in xs:\n  continue\nelse:\n  pass", "for (tuple a b) in xs\n  continue\nelse\n  pass"),
        ("raise", "raise"),
        ("raise a(1) from b", "raise (call a 1) from b"),
        ("assert a\nassert a, 'no'", 'assert a\nassert a : "no"'),
        ("del a, xs[0]", "delete a (at xs 0)"),
        ("with a as b, c:\n  pass", "with a c as b _\n  pass"),
        (
            "try:\n  a\nexcept b as e:\n  b\nexcept:\n  c\nelse:\n  a\nfinally:\n  b",
            "try\n  expr a\nexcept b as e\n  expr b\nexcept _\n  expr c\nelse\n  expr a\nfinally\n  expr b",
        ),
        ("global x, y", "global x y"),
        ("def g(x, y=a):\n  nonlocal b\n  return x", "def g(x y:a)\n  nonlocal b\n  return x"),
    ],
)
def test_statements(text: str, tree: str) -> None:
    assert body(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("import math", "other Import"),
        ("from math import sqrt", "other ImportFrom"),
        ("class A: pass", "other ClassDef"),
        ("match a:\n  case 1: pass", "other Match"),
        ("@a\ndef g(): pass", "other decorated FunctionDef"),
        ("async def g(): pass", "other AsyncFunctionDef"),
        ("try:\n  a\nexcept* b:\n  c", "other TryStar"),
        ("yield a", "expr (other Yield)"),
    ],
)
def test_what_the_tree_has_no_place_for_keeps_its_name(text: str, tree: str) -> None:
    assert body(text) == tree


@pytest.mark.parametrize(
    ("text", "is_generator"),
    [
        ("yield a", True),
        ("b = [(yield)]", True),
        ("yield from xs", True),
        ("match a:\n  case 1:\n    yield a", True),
        ("return lambda: (yield)", False),
        ("def g():\n  yield a", False),
        ("return a", False),
    ],
)
def test_generators(text: str, is_generator: bool) -> None:
    names: dict[str, Any] = {}
    exec("def f(a, b, xs):\n" + textwrap.indent(text, "    "), names)
    assert _core.debug_syntax(names["f"]).startswith("generator f" if is_generator else "def f")


def test_the_defaults_of_the_outermost_function_are_values_not_syntax() -> None:
    def f(a: int, /, b: int = 2, *, c: int = 3, **d: int) -> int:
        return a

    assert _core.debug_syntax(f).splitlines()[0] == "def f(/a b =c **d)"


def test_places() -> None:
    assert body("if a:\n    b = 'ä' + (\n        c)\n", spans=True).splitlines() == [
        "2:4-4:14 if a",
        '  3:8-4:14 assign b = (+ "ä" c)',
    ]


def test_integers_longer_than_pythons_limit_for_digits() -> None:
    assert expression("0x" + 5000 * "f") == "0x" + 5000 * "f"


def test_lone_surrogates() -> None:
    names: dict[str, Any] = {}
    exec("def f():\n    return '\\ud800'\n", names)
    tree: Any = _core.debug_syntax
    with pytest.raises(UnicodeDecodeError):  # the tree has them; a str made of UTF-8 can't
        tree(names["f"])
