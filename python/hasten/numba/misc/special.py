"""Functions that mean something particular in compiled code."""

from hasten._decorators import prange
from hasten.numba.core.typing import typeof

__all__ = ["prange", "typeof"]
