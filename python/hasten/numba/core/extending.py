"""Functions for compiled code to call, where numba keeps them."""

from hasten.numba.extending import is_jitted, overload, register_jitable

__all__ = ["is_jitted", "overload", "register_jitable"]
