"""`jit`, `njit` and their options."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

import hasten
from hasten import jit, njit, prange


def same(x: Any) -> Any:
    return x


@pytest.mark.parametrize("decorator", [jit, njit, jit(), njit(), jit(nopython=True), njit(cache=False, nogil=True)])
def test_forms(decorator: Any) -> None:
    f = decorator(same)
    assert f(3) == 3
    assert f.py_func is same


def test_an_unknown_option_is_refused_with_a_hint() -> None:
    with pytest.raises(TypeError, match=r"jit has no option 'fast_math'. Did you mean 'fastmath'\?"):
        jit(fast_math=True)
    with pytest.raises(TypeError, match="There are: boundscheck, cache"):
        njit(xyzzy=1)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"error_model": "fortran"}, ValueError),
        ({"overflow": "saturate"}, ValueError),
        ({"inline": "perhaps"}, ValueError),
        ({"locals": {"y": "int64"}}, TypeError),
        ({"locals": {"x": "integer"}}, TypeError),
        ({"locals": {"x": None}}, TypeError),
        ({"locals": ["x"]}, TypeError),
        ({"nopython": True, "forceobj": True}, ValueError),
    ],
)
def test_values_of_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        jit(**options)(same)


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="not a function"):
        jit(int)
    with pytest.raises(TypeError, match="already jitted function"):
        jit(jit(same))


def test_njit_ignores_what_it_is() -> None:
    with pytest.warns(RuntimeWarning, match="nopython is set for njit and is ignored"):
        assert njit(nopython=True)(same)(1) == 1


def test_overflow_wraps_or_raises() -> None:
    def double(x: Any) -> Any:
        return x + x

    assert njit(double)(2**62) == -(2**63)
    assert jit(overflow="wrap")(double)(2**62) == -(2**63)
    with pytest.raises(OverflowError):
        jit(double)(2**62)
    with pytest.raises(OverflowError):
        njit(overflow="raise")(double)(2**62)


def test_error_model() -> None:
    def divide(x: Any, y: Any) -> Any:
        return x / y

    with pytest.raises(ZeroDivisionError):
        njit(divide)(1.0, 0.0)
    assert njit(error_model="numpy")(divide)(1.0, 0.0) == float("inf")


def test_forceobj_leaves_the_function_to_python() -> None:
    before = hasten.stats()

    @jit(forceobj=True)
    def kinds(*things: Any) -> list[str]:
        return [type(thing).__name__ for thing in things]

    assert kinds(1, "a", {}) == ["int", "str", "dict"]
    after = hasten.stats()
    assert after["interpreted_calls"] == before["interpreted_calls"] + 1
    assert after["native_compilations"] == before["native_compilations"]


def test_prange_is_a_range_in_python() -> None:
    assert prange(5) == range(5)
    assert list(prange(1, 10, 3)) == [1, 4, 7]


def test_threads() -> None:
    count = hasten.get_num_threads()
    assert count >= 1
    hasten.set_num_threads(1)
    try:
        assert hasten.get_num_threads() == 1
        assert hasten.get_thread_id() == 0
    finally:
        hasten.set_num_threads(count)
    with pytest.raises(ValueError, match="threads"):
        hasten.set_num_threads(0)


def test_typeof() -> None:
    import numpy as np

    assert hasten.typeof(1.5) == "float"
    assert hasten.typeof(np.float64(1.5)) == "float64"
    assert hasten.typeof(np.zeros((2, 3), np.int32)) == "array(int32, 2d, C)"
    with pytest.raises(hasten.errors.TypingError):
        hasten.typeof(object())


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_environment_makes_jit_native() -> None:
    program = "import hasten\n@hasten.jit\ndef f(x):\n    return x + x\nprint(f(2**62) < 0)"
    assert run(program, HASTEN_NATIVE="1").strip() == "True"


def test_importing_leaves_the_heavy_modules_alone() -> None:
    heavy = ("ast", "inspect", "numpy", "tokenize", "importlib.resources")
    program = f"import hasten, sys\nprint([m for m in {heavy} if m in sys.modules])"
    assert run(program).strip() == "[]"


def test_the_gradual_hook_gets_what_plain_jit_cannot_compile() -> None:
    from hasten import _core, _decorators

    seen: list[tuple[Any, Exception]] = []

    def hook(dispatcher: Any, error: Exception) -> Any:
        seen.append((dispatcher, error))
        return lambda *args, **kwargs: ("python", args, kwargs)

    @jit
    def odd(x: Any, y: Any = 1) -> Any:
        return x.no_such_thing(y)

    @njit
    def strict(x: Any) -> Any:
        return x.no_such_thing()

    _core.set_gradual_hook(hook)
    try:
        before = hasten.stats()
        assert odd(1.5, y=2) == ("python", (1.5,), {"y": 2})
        assert odd(2.5) == ("python", (2.5,), {})
        assert odd([]) == odd([]) == ("python", ([],), {})
        after = hasten.stats()
        assert [dispatcher for dispatcher, _ in seen] == [odd, odd]  # once for each list of types
        assert all(isinstance(error, hasten.errors.TypingError) for _, error in seen)
        assert after["interpreted_calls"] == before["interpreted_calls"] + 4
        with pytest.raises(hasten.errors.TypingError):
            strict(1)
        _core.set_gradual_hook(None)
        with pytest.raises(hasten.errors.TypingError):
            jit(odd.py_func)(1)
    finally:
        _core.set_gradual_hook(_decorators._gradual)


def test_a_cache_below_the_decorator_is_told_the_order() -> None:
    with pytest.raises(TypeError, match="Write @lru_cache above @njit"):
        njit(hasten.lru_cache(same))
