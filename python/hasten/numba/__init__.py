"""Numba's names, with Hasten behind them: ``from hasten import numba`` ports a program.

Types, results and refusals are numba's; the names of numba's own compiler are not here.
"""

from __future__ import annotations

from hasten._core import __version__
from hasten._decorators import prange
from hasten.numba import experimental, extending, typed
from hasten.numba._decorators import jit, jit_module, njit
from hasten.numba._parallel import get_num_threads, get_thread_id, set_num_threads, threading_layer
from hasten.numba._ufuncs import guvectorize, vectorize
from hasten.numba.core import config, errors, types
from hasten.numba.core.errors import *  # noqa: F403
from hasten.numba.core.errors import __all__ as _errors
from hasten.numba.core.types import *  # noqa: F403
from hasten.numba.core.types import __all__ as _types
from hasten.numba.core.typing import typeof
from hasten.numba.np.numpy_support import from_dtype

__all__ = [
    "__version__",
    "config",
    "errors",
    "experimental",
    "extending",
    "from_dtype",
    "get_num_threads",
    "get_thread_id",
    "guvectorize",
    "jit",
    "jit_module",
    "njit",
    "prange",
    "set_num_threads",
    "threading_layer",
    "typed",
    "typeof",
    "types",
    "vectorize",
    *_types,
    *_errors,
]
