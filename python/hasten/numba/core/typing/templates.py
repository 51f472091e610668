"""Signatures, where numba has them."""

from hasten.numba.core.typing.signatures import Signature, signature

__all__ = ["Signature", "signature"]
