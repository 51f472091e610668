"""The decorators, where numba keeps them."""

from hasten.numba._decorators import jit, jit_module, njit

__all__ = ["jit", "jit_module", "njit"]
