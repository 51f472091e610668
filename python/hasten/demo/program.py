"""What a program of the demo consists of, and the compilers that it is run with."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

import numpy as np

Size = Literal["full", "quick", "tiny"]


@dataclass(frozen=True)
class Engine:
    """A compiler for Python functions; `jit` and `njit` are its decorators, called with options."""

    name: str
    jit: Callable[..., Any]
    njit: Callable[..., Any]
    prange: Any

    def compiled(self, kernel: Callable[..., Any], how: Literal["jit", "njit"] = "njit", **options: object) -> Any:
        """Return `kernel` compiled: the function as it would be if its module had taken ``prange`` from this engine.

        The kernel itself stays as it is. Where it calls itself, the compiled one calls the compiled one.
        """
        assert isinstance(kernel, FunctionType)
        names = {**kernel.__globals__, "prange": self.prange}
        function = FunctionType(kernel.__code__, names, kernel.__name__, kernel.__defaults__)
        decorator = self.jit if how == "jit" else self.njit
        names[kernel.__name__] = compiled = decorator(**options)(function)
        return compiled


@dataclass(frozen=True)
class Variant:
    """One way to do a program's work."""

    name: str
    run: Callable[[], object]  # does all of it, and returns the result
    is_compiled: bool = False  # the first run compiles, and is shown apart
    same: Callable[[Any, Any], bool] | None = None  # instead of the program's, where the result differs for a reason
    note: str = ""


@dataclass(frozen=True)
class Program:
    """One piece of work and the ways to do it; the first variant is the plain one."""

    name: str
    work: str  # what is done, with its size
    variants: Sequence[Variant]
    same: Callable[[Any, Any], bool]  # whether a result equals the plain one's
    absent: Sequence[str] = field(default=())  # peers that would have been measured if they were installed


def find_engines() -> dict[str, Engine | None]:
    """Return Hasten and its peer, None where it is not installed."""
    return {name: _engine(name) for name in ("hasten", "numba")}


def _engine(name: str) -> Engine | None:
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    return Engine(name, module.jit, module.njit, module.prange)


def is_installed(package: str) -> bool:
    """Whether an optional package can be imported."""
    return importlib.util.find_spec(package) is not None


def equal(result: Any, plain: Any) -> bool:
    """Whether every value is the same."""
    return bool(np.array_equal(np.asarray(result), np.asarray(plain)))


def equal_to_rounding(result: Any, plain: Any) -> bool:
    """Whether every value is the same but for the order in which floats were added."""
    result, plain = np.asarray(result), np.asarray(plain)
    return result.shape == plain.shape and bool(np.allclose(result, plain, rtol=1e-9, atol=1e-12))
