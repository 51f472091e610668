"""The values of globals and closure variables are part of the code: a change makes new code."""

from __future__ import annotations

import types
import warnings
from typing import Any

import numpy as np
import pytest
from hasten._decorators import decorate

import hasten
from hasten import jit, njit


def compilations() -> int:
    """Versions made so far: an equal one may come from the code cache."""
    counts = hasten.stats()
    return counts["native_compilations"] + counts["cache_loads"]


def module_with(source: str, **names: Any) -> dict[str, Any]:
    """A namespace of its own, so that tests can change its globals."""
    scope: dict[str, Any] = {"__name__": "scratch", "np": np, "njit": njit, "jit": jit, **names}
    exec(source, scope)
    return scope


ADD = "def add(x):\n    return x + SHIFT\n"


def test_a_changed_global_is_seen() -> None:
    scope = module_with(ADD, SHIFT=1)
    add = njit(scope["add"])
    assert add(1) == 2
    scope["SHIFT"] = 10
    assert add(1) == 11
    scope["SHIFT"] = 0.5
    assert add(1) == 1.5


def test_a_value_that_comes_back_finds_its_code_again() -> None:
    scope = module_with(ADD, SHIFT=1)
    add = njit(scope["add"])
    add(1)
    scope["SHIFT"] = 2
    add(1)
    before = compilations()
    for value in (1, 2, 1, 2):
        scope["SHIFT"] = value
        assert add(1) == 1 + value
    assert compilations() == before


def test_other_writes_to_the_namespace_cost_no_compilation() -> None:
    scope = module_with(ADD, SHIFT=1000)
    add = njit(scope["add"])
    add(1)
    before = compilations()
    for i in range(5):
        scope["counter"] = i
        assert add(i) == 1000 + i
    scope["SHIFT"] = int("1000")  # equal, but another object
    assert add(1) == 1001
    assert compilations() == before


@pytest.mark.parametrize(
    ("old", "new"), [(1, True), (0.0, -0.0), (1, 1.0), ("a", "b"), ((1, 2), (1, 2.0)), (np.int8(1), np.int16(1))]
)
def test_values_that_python_calls_equal_may_be_others(old: Any, new: Any) -> None:
    scope = module_with("def value(x):\n    return VALUE\n", VALUE=old)
    value = njit(scope["value"])
    assert repr(value(0)) == repr(old)
    scope["VALUE"] = new
    assert repr(value(0)) == repr(new)


def test_closure_variables() -> None:
    def make(step: int) -> Any:
        def change(value: int) -> None:
            nonlocal step
            step = value

        @njit
        def advance(x: Any) -> Any:
            return x + step

        return advance, change

    advance, change = make(5)
    assert advance(1) == 6
    change(7)
    assert advance(1) == 8


def test_globals_of_called_functions() -> None:
    scope = module_with(
        "@njit\ndef inner(x):\n    return x * FACTOR\n@njit\ndef outer(x):\n    return inner(x) + 1\n", FACTOR=2
    )
    outer = scope["outer"]
    assert outer(3) == 7
    scope["FACTOR"] = 4
    assert outer(3) == 13


def test_a_called_function_that_is_replaced() -> None:
    scope = module_with("@njit\ndef inner(x):\n    return x * 2\n@njit\ndef outer(x):\n    return inner(x) + 1\n")
    assert scope["outer"](3) == 7
    exec("@njit\ndef inner(x):\n    return x * 100\n", scope)
    assert scope["outer"](3) == 301


def test_a_global_that_hides_a_builtin() -> None:
    scope = module_with("def size(a):\n    return abs(a)\n")
    size = njit(scope["size"])
    assert size(-3) == 3
    scope["abs"] = njit(lambda x: x * 2)
    assert size(-3) == -6
    del scope["abs"]
    assert size(-3) == 3


def test_attributes_of_modules() -> None:
    import sys

    settings = types.ModuleType("hasten_test_settings")
    settings.limit = 3  # type: ignore[attr-defined]
    sys.modules["hasten_test_settings"] = settings
    try:
        scope = module_with("def limited(x):\n    return min(x, settings.limit)\n", settings=settings)
        limited = njit(scope["limited"])
        assert limited(10) == 3
        settings.limit = 5  # type: ignore[attr-defined]
        assert limited(10) == 5
    finally:
        del sys.modules["hasten_test_settings"]


def test_arrays_are_read_where_they_are() -> None:
    table = np.arange(4.0)
    scope = module_with("def look_up(i):\n    return TABLE[i]\n", TABLE=table)
    look_up = njit(scope["look_up"])
    assert look_up(2) == 2.0
    table[2] = 20.0
    assert look_up(2) == 20.0
    before = compilations()
    scope["TABLE"] = np.array([5.0, 6.0, 7.0])
    assert look_up(2) == 7.0
    assert compilations() == before + 1


def test_an_array_whose_shape_is_changed_in_place() -> None:
    table = np.arange(6.0)
    scope = module_with("def last():\n    return TABLE[-1].sum()\n", TABLE=table)
    last = njit(scope["last"])
    table.shape = (2, 3)
    assert last() == 12.0
    table.shape = (3, 2)
    assert last() == 9.0
    table.shape = (1, 2, 3)
    assert last() == 15.0


def test_a_global_array_that_is_returned_is_the_same_object() -> None:
    table = np.arange(4.0)
    scope = module_with("def get():\n    return TABLE\n", TABLE=table)
    assert njit(scope["get"])() is table


def test_numbas_dialect_freezes_globals() -> None:
    table = np.arange(4.0)
    scope = module_with("def look_up(i):\n    return TABLE[i] + SHIFT\n", TABLE=table, SHIFT=1)
    look_up = decorate(scope["look_up"], {}, dialect="numba")
    assert look_up(2) == 3.0
    table[2] = 20.0
    scope["SHIFT"] = 100
    assert look_up(2) == 3.0
    look_up.recompile()
    assert look_up(2) == 120.0


def test_a_global_that_always_changes_is_warned_of_and_fills_no_memory() -> None:
    scope = module_with(ADD, SHIFT=0)
    add = njit(scope["add"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in range(40):
            scope["SHIFT"] = value
            assert add(1) == 1 + value
    assert [w.category for w in caught] == [hasten.errors.HastenPerformanceWarning]
    assert "Pass what changes as an argument" in str(caught[0].message)
    assert len(add.compiled) <= 16


def test_a_recursive_function_with_a_signature_is_compiled_once() -> None:
    before = compilations()
    scope = module_with("@njit('int64(int64)')\ndef fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n")
    assert [scope["fact"](n) for n in range(6)] == [1, 1, 2, 6, 24, 120]
    assert compilations() == before + 1
    undecorated = module_with("def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n")
    other = njit("int64(int64)")(undecorated["fact"])
    before = compilations()
    assert other(5) == 120
    assert compilations() == before
