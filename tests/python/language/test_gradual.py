"""Plain jit where a whole function can't be compiled: loops are lifted, the rest stays Python, results are Python's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hasten.errors import HastenWarning

import hasten
from hasten import jit


class Thing:
    def __init__(self):
        self.k = 3.0


def mixed(text, n):
    k = Thing().k
    s = 0.0
    for i in range(n):
        for j in range(10):
            s += i * k + j
    words: dict[str, int] = {}
    for w in text.split():
        words[w] = words.get(w, 0) + 1
    best = -1
    for i in range(n):
        if i * i > 50:
            best = i
            break
    for q in range(n):
        last = q
    return s, words, best, last


def returns_from_loop(d, a):
    d["x"] = 1
    for i in range(len(a)):
        if a[i] > 3:
            return i, a
    return None


def inner_loop(items):
    out = []
    for x in items:
        t = 0
        for j in range(x):
            t += j
        out.append(t)
    return out


def unbound_after(d, n):
    d["n"] = n
    for i in range(n):
        y = i
    return y


def with_closure(k):
    def inner(d, n):
        d["k"] = k
        s = 0
        for i in range(n):
            s += i * k
        return s

    return inner


def raises_in_loop(d, a):
    d["seen"] = 0
    for i in range(10):
        a[i] = 2 * i
    return a


CASES = [
    (mixed, "a b a", 100),
    (mixed, "", 1),
    (returns_from_loop, {}, np.arange(10.0)),
    (returns_from_loop, {}, np.zeros(3)),
    (inner_loop, [1, 2, 3, 100]),
    (unbound_after, {}, 3),
    (with_closure(7), {}, 5),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__qualname__)
@pytest.mark.filterwarnings("ignore::hasten.errors.HastenWarning")
def test_same_results_and_native_loops(case):
    function, *arguments = case
    before = hasten.stats()["native_calls"]
    actual = jit(function)(*arguments)
    expected = function(*arguments)
    assert repr(actual) == repr(expected)
    assert hasten.stats()["native_calls"] > before


@pytest.mark.filterwarnings("ignore::hasten.errors.HastenWarning")
def test_a_variable_without_value_raises_as_in_python():
    with pytest.raises(UnboundLocalError):
        jit(unbound_after)({}, 0)


@pytest.mark.filterwarnings("ignore::hasten.errors.HastenWarning")
def test_an_exception_in_a_lifted_loop_leaves_what_was_done():
    a = np.zeros(4)
    with pytest.raises(IndexError, match="out of bounds"):
        jit(raises_in_loop)({}, a)
    assert a.tolist() == [0, 2, 4, 6]


def test_one_warning_names_lines_and_reason():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jit(returns_from_loop)({}, np.zeros(3))
    own = [w for w in caught if issubclass(w.category, HastenWarning)]
    assert len(own) == 1
    first = returns_from_loop.__code__.co_firstlineno
    assert f"Lines {first + 1}, {first + 5} run as Python" in str(own[0].message)
    assert "dict" in str(own[0].message)


def test_forceobj_runs_python_with_lifted_loops():
    @jit(forceobj=True)
    def total(a):
        s = 0
        for i in range(a.size):
            s += a[i]
        return s

    before = hasten.stats()
    assert total(np.arange(5)) == 10
    after = hasten.stats()
    assert after["interpreted_calls"] > before["interpreted_calls"]
    assert after["native_calls"] > before["native_calls"]
