"""How many blocks of memory compiled code has taken and given back."""

from hasten.numba.core.runtime.nrt import rtsys

__all__ = ["rtsys"]
