"""What compiled code finds under the names that a function reads but doesn't bind."""

from __future__ import annotations

import builtins
import cmath
import enum
import math
import operator
import random
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hasten import _core


class Level(enum.IntEnum):
    LOW = 7


class Colour(enum.Enum):
    RED = 1


class OwnError(Exception):
    class InnerError(ValueError):
        pass


class Settings:
    scale = 2.5
    grid = np.zeros((2, 3))


length = np.linalg.norm
GRID = np.arange(6.0).reshape(2, 3)
OBJECTS = np.array([None])
NUMBER = 3
HUGE = 2**70
WIDE = 2**63
NARROW = np.int8(-3)
HALF = np.float16(0.5)
MOMENT = np.datetime64(5, "ns")
NESTED = (1, (2.5, "x"), GRID)
EPSILON = np.finfo(np.float32)
settings = Settings()


def reader() -> None:
    """Read names of all kinds; only its globals matter."""


def look(path: str, function: Callable[..., Any] = reader) -> str | None:
    return _core.debug_lookup(function, path)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("NUMBER", "pyint = 3 @ global:0:NUMBER"),
        ("WIDE", "uint64 = 9223372036854775808 @ global:0:WIDE"),
        ("NARROW", "int8 = -3 @ global:0:NARROW"),
        ("HALF", "float16 = 0.5 @ global:0:HALF"),
        ("MOMENT", "datetime64[ns] = 5 @ global:0:MOMENT"),
        ("GRID", "array(float64, 2d, C) @ global:0:GRID"),
        (
            "NESTED",
            "tuple(pyint, tuple(pyfloat, named(9:literal:x)), array(float64, 2d, C))"
            " (pyint = 1 @ global:0:NESTED[0])"
            " (tuple(pyfloat, named(9:literal:x))"
            " (pyfloat = 2.5 @ global:0:NESTED[1][0]) (literal:x @ global:0:NESTED[1][1]) @ global:0:NESTED[1])"
            " (array(float64, 2d, C) @ global:0:NESTED[2]) @ global:0:NESTED",
        ),
        ("HUGE", "host:* @ global:0:HUGE"),
        ("OBJECTS", "host:* @ global:0:OBJECTS"),
        ("settings", "host:* @ global:0:settings"),
        ("reader", "host:* @ global:0:reader"),
        ("math", "module:math @ global:0:math"),
        ("length", "function:numpy.linalg.norm @ global:0:length"),
        ("len", "function:builtins.len @ builtins:len"),
        ("int", "function:builtins.int @ builtins:int"),
        ("ValueError", "exception:* @ builtins:ValueError"),
        ("True", "pybool = 1 @ builtins:True"),
        ("no_such_name", None),
    ],
)
def test_globals_and_builtins(path: str, found: str | None) -> None:
    assert look(path) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("math.pi", "pyfloat = 3.1415926535897931 @ math:pi"),
        ("np.pi", "pyfloat = 3.1415926535897931 @ numpy:pi"),
        ("np.newaxis", "none @ numpy:newaxis"),
        ("sys.maxsize", "pyint = 9223372036854775807 @ sys:maxsize"),
        ("np.linalg", "module:numpy.linalg @ numpy:linalg"),
        ("np.linalg.norm", "function:numpy.linalg.norm @ numpy.linalg:norm"),
        ("np.linalg.LinAlgError", "exception:* @ numpy.linalg:LinAlgError"),
        ("OwnError.InnerError", f"exception:* @ {__name__}:OwnError.InnerError"),
        ("np.float32", "dtype:float32 @ numpy:float32"),
        ("np.random.random", "function:numpy.random.random @ numpy.random:random"),
        ("np.fft.fft", "function:numpy.fft.fft @ numpy.fft:fft"),
        ("Level.LOW", "pyint = 7 @ global:0:Level.LOW"),
        ("Colour.RED", "host:* @ global:0:Colour.RED"),
        ("Settings.scale", "pyfloat = 2.5 @ global:0:Settings.scale"),
        ("Settings.grid", "array(float64, 2d, C) @ global:0:Settings.grid"),
        ("EPSILON.bits", "pyint = 32 @ global:0:EPSILON.bits"),
        ("settings.scale", None),
        ("math.no_such_name", None),
        ("GRID.shape", None),
    ],
)
def test_attributes(path: str, found: str | None) -> None:
    assert look(path) == found


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (builtins, "abs all any bool complex divmod enumerate float int len max min pow print range round str sum zip"),
        (math, "sqrt sin pow floor gcd isclose"),
        (cmath, "exp phase"),
        (operator, "add mul getitem"),
        (np, "sin add absolute zeros mean where ndindex matmul concatenate unique"),
        (np.linalg, "norm inv solve"),
        (np.random, "random normal seed shuffle"),
        (np.fft, "fft ifft"),
        (random, "random uniform seed"),
        (time, "time perf_counter"),
    ],
)
def test_names_of_library_functions(module: types.ModuleType, names: str) -> None:
    for name in names.split():
        expected = f"function:{module.__name__}.{name}"
        assert _core.debug_typeof(getattr(module, name)) == f"named({len(expected)}:{expected})"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.abs, "numpy.absolute"),
        (np.concat, "numpy.concatenate"),
        (np.acos, "numpy.arccos"),
        (np.amax, "numpy.max"),
        (np.around, "numpy.round"),
        (np.random.random_sample, "numpy.random.random"),
        (np.random.ranf, "numpy.random.random"),
    ],
)
def test_synonyms_have_one_name(value: object, name: str) -> None:
    assert _core.debug_typeof(value) == f"named({len(name) + 9}:function:{name})"


def test_a_module_that_is_imported_later_is_known_then() -> None:
    name = "hasten_test_of_late_imports"
    late = types.ModuleType(name)
    names = {"late": late}
    function = types.FunctionType(reader.__code__, names)
    assert _core.debug_lookup(function, "late") == f"module:{name} @ global:0:late"
    assert _core.debug_lookup(function, "late.value") is None
    late.value = 3  # type: ignore[attr-defined]
    assert _core.debug_lookup(function, "late.value") == f"pyint = 3 @ {name}:value"


def test_closures_come_before_globals() -> None:
    def outer(NUMBER: int) -> Callable[[], int]:
        later: int

        def inner() -> int:
            return NUMBER + later

        assert look("later", inner) is None
        later = 4
        return inner

    assert look("NUMBER", outer(5)) == "pyint = 5 @ closure:0:NUMBER"
    assert look("later", outer(5)) == "pyint = 4 @ closure:0:later"


def test_a_functions_own_name_is_known_before_it_is_bound() -> None:
    recursive = types.FunctionType(reader.__code__, {}, name="recursive")
    assert look("recursive", recursive) == "host:* @ builtins:recursive"


def test_parameters_and_their_defaults() -> None:
    def f(a: int, /, b: float = 1.5, *rest: int, c: int, d: object = GRID, **more: object) -> None: ...

    assert _core.debug_parameters(f) == (
        "a; b: pyfloat = 1.5 @ default:0:b; rest; c; d: array(float64, 2d, C) @ default:0:d; more"
    )


def test_paths_lead_back_to_their_objects() -> None:
    def f(a: object = GRID, *, b: object = NESTED) -> object:
        return cell

    cell = {"x": 1}
    assert _core.debug_resolve(None, "builtins:ValueError") is ValueError
    assert _core.debug_resolve(None, "numpy:linalg.LinAlgError") is np.linalg.LinAlgError
    assert _core.debug_resolve(f, "global:0:GRID") is GRID
    assert _core.debug_resolve(f, "global:3:NESTED[1][0]") == 2.5
    assert _core.debug_resolve(f, "global:0:Settings.grid") is Settings.grid
    assert _core.debug_resolve(f, "closure:0:cell") is cell
    assert _core.debug_resolve(f, "default:0:a") is GRID
    assert _core.debug_resolve(f, "default:0:b[2]") is GRID


@pytest.mark.parametrize(
    "path", ["", "x", "no_such_module:x", "math:no_such_name", "global:0:no_such_name", "closure:0:GRID", "default:0:z"]
)
def test_paths_that_lead_nowhere(path: str) -> None:
    with pytest.raises(Exception, match="there is no object"):
        _core.debug_resolve(reader, path)


def test_values_of_modules_that_raise_when_asked() -> None:
    class Odd(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    function = types.FunctionType(reader.__code__, {"odd": Odd("odd")})
    assert look("odd.x", function) is None


def test_maxsize_is_pythons() -> None:
    assert sys.maxsize == 2**63 - 1
