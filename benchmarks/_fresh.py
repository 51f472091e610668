"""Subjects that only a new process can show: ``python _fresh.py SUBJECT ENGINE`` prints a figure of each as JSON.

The engine is hasten or numba. NumPy is imported before the clock starts.
"""

import importlib
import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from _kernels import first_item, increment, loop_kernels, statement_functions


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def compiler(engine: str) -> Callable[[Any], Any]:
    """Return the engine's njit, with its cache on disk in use."""
    module = importlib.import_module(engine)
    options = {"cache": True} if engine == "numba" else {}
    return lambda function: module.njit(**options)(function)


def import_time(engine: str) -> dict[str, float]:
    return {"import": seconds(lambda: importlib.import_module(engine))}


def first_calls(engine: str) -> dict[str, float]:
    """Measure the first compiled call of the process, and a second function's."""
    njit = compiler(engine)
    array = np.ones(10)
    first = seconds(lambda: njit(increment)(1.5))
    return {"first": first, "second": seconds(lambda: njit(first_item)(array))}


def loops(engine: str) -> dict[str, float]:
    """Measure the first call of each of ten loops, without the work itself, which a second call shows."""
    njit = compiler(engine)
    figures = {}
    for name, (function, arguments) in loop_kernels().items():
        compiled = njit(function)
        first = seconds(partial(compiled, *arguments))
        figures[name] = max(0.0, first - seconds(partial(compiled, *arguments)))
    return figures


def statements(engine: str) -> dict[str, float]:
    """Measure the first call of each of five functions of array statements."""
    njit = compiler(engine)
    figures = {}
    for name, (function, arguments) in statement_functions().items():
        expected = function(*arguments)
        compiled = njit(function)
        start = perf_counter()
        result = compiled(*arguments)
        figures[name] = perf_counter() - start
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    return figures


def memory(engine: str) -> dict[str, float]:
    """Measure how much the peak of resident memory grows by importing the engine and compiling one function."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    compiler(engine)(increment)(1.5)
    return {"bytes": 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)}


if __name__ == "__main__":
    subjects = {
        "import": import_time,
        "first_calls": first_calls,
        "loops": loops,
        "statements": statements,
        "memory": memory,
    }
    print(json.dumps(subjects[sys.argv[1]](sys.argv[2])))
