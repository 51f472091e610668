"""Statements: branches, loops, unpacking, unbound variables, recursion, exceptions."""

from __future__ import annotations

import pytest

from hasten import njit
from tests.python.beside_python import check


def branches(x):
    if x > 3:
        return 1
    if x < 0:
        return -1
    return 0


def while_with_else(n):
    i = 0
    s = 0
    while i < n:
        i += 1
        if i % 2:
            continue
        if i > 20:
            break
        s += i
    else:
        s += 1000
    return s


def for_with_else(n):
    for i in range(n):
        if i == 7:
            break
    else:
        return -1
    return i


def perhaps_unbound(n):
    for i in range(n):
        x = i
    return x


def nested(n):
    t = 0
    for i in range(n):
        for j in range(i, n, 2):
            for k in range(j, 0, -1):
                t += i * j - k
    return t


def unpack_and_index(a, b):
    c, d = b, a
    t = (c, d, 1)
    return t[0] + t[1] * t[2], t, len(t), t[1:], t + (5,)  # noqa: RUF005


def chains(a, b, c):
    return a < b < c, a < b and b < c, a or b, not a


def conditional(x):
    return x if x > 0 else -x


def optional_value(x):
    y = None
    if x > 0:
        y = x * 2
    if y is None:
        return -1
    return y


def walrus(n):
    total = 0
    while (n := n - 1) > 0:
        total += n
    return total


def tuples(t):
    return sum(t), t[1:], 3 in t, t == (1, 2, 3), t < (1, 3), max(t), min(t)


@njit
def even(n):
    return True if n == 0 else odd(n - 1)


@njit
def odd(n):
    return False if n == 0 else even(n - 1)


def mutual_recursion(n):
    return even(n)


@njit
def with_defaults(a, b=3, *c, k=2):
    return a + b * k + len(c)


def calls_with_all_kinds(x):
    return with_defaults(x), with_defaults(x, 1), with_defaults(x, b=5), with_defaults(x, 1, 2, 3, k=4)


def raises(x):
    if x > 0:
        raise ValueError("bad value", x)
    if x < 0:
        raise KeyError(f"neg {x} and {x!r:>5}")
    raise IndexError


def asserts(x):
    assert x > 0, "must be positive"
    return x


def sequences(n):
    t = 0.0
    for i, (x, y) in enumerate(zip(range(n), range(n, 0, -1))):  # noqa: B905
        t += i * x * y
    for i, z in enumerate(reversed((1.5, 2.5)), 3):
        t += i * z
    return t


CASES = [
    (branches, 5),
    (branches, -1),
    (branches, 2),
    (while_with_else, 10),
    (while_with_else, 50),
    (for_with_else, 5),
    (for_with_else, 10),
    (perhaps_unbound, 3),
    (perhaps_unbound, 0),
    (nested, 9),
    (unpack_and_index, 1, 2.5),
    (chains, 1, 2, 3),
    (chains, 0, 5, 3),
    (conditional, -3),
    (optional_value, 3),
    (optional_value, -3),
    (walrus, 5),
    (tuples, (1, 2, 3)),
    (mutual_recursion, 10),
    (calls_with_all_kinds, 2),
    (raises, 1),
    (raises, -3),
    (raises, 0),
    (asserts, 1),
    (asserts, -1),
    (sequences, 6),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}{case[1:]}")
def test_beside_python(case):
    check(*case)


@pytest.mark.parametrize(("x", "message"), [(1, "('bad value', 1)"), (-3, "'neg -3 and    -3'"), (0, "")])
def test_messages_of_raised_exceptions(x, message):
    with pytest.raises((ValueError, KeyError, IndexError)) as caught:
        njit(raises)(x)
    assert str(caught.value) == message


def test_deep_recursion_raises():
    @njit
    def count(n):
        return 0 if n == 0 else count(n - 1) + 1

    assert count(1000) == 1000
    with pytest.raises(RecursionError):
        count(10**8)
