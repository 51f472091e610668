"""Signatures, and the types of Python's values."""

from hasten.numba.core.typing.signatures import Signature, signature
from hasten.numba.core.typing.typeof import typeof

__all__ = ["Signature", "signature", "typeof"]
