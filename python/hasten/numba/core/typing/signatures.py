"""The types of a function's arguments and of its result."""

from __future__ import annotations

from typing import Any

from hasten.numba.core import types
from hasten.numba.core.types import Type


class Signature:
    """What a function takes and returns.

    Parameters
    ----------
    return_type : Type or None
        Of the result; None where it is left open.
    args : sequence of Type
        Of the arguments.
    recvr : Type, optional
        Of the object whose method it is.
    pysig : inspect.Signature, optional
        The names of the arguments.
    """

    __slots__ = ("args", "pysig", "recvr", "return_type")

    def __init__(self, return_type: Any, args: Any, recvr: Any = None, pysig: Any = None) -> None:
        self.return_type = return_type
        self.args = tuple(args)
        self.recvr = recvr
        self.pysig = pysig

    def replace(self, **changes: Any) -> Signature:
        """Return the same signature with changes."""
        return Signature(**{**{name: getattr(self, name) for name in self.__slots__}, **changes})

    def __reduce__(self) -> Any:
        return Signature, (self.return_type, self.args, self.recvr, self.pysig)

    def __hash__(self) -> int:
        return hash((self.args, self.return_type))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signature):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        return f"{self.args} -> {self.return_type}"

    @property
    def _hasten_text(self) -> str:
        """The signature as the engine reads it."""
        arguments = ", ".join(argument._hasten_text for argument in self.args)
        return f"{'' if self.return_type is None else self.return_type._hasten_text}({arguments})"

    @property
    def is_method(self) -> bool:
        """Whether it is a method's."""
        return self.recvr is not None

    def is_precise(self) -> bool:
        """Whether all its types are."""
        return all(item.is_precise() for item in (*self.args, self.return_type))


def signature(return_type: Any, *args: Any, **kws: Any) -> Signature:
    """Make a signature.

    Parameters
    ----------
    return_type : Type
        Of the result.
    *args : Type
        Of the arguments.
    recvr : Type, optional
        Of the object whose method it is.

    Returns
    -------
    Signature
        The signature.
    """
    if set(kws) - {"recvr"}:
        raise AssertionError(f"a signature has no {', '.join(sorted(set(kws) - {'recvr'}))}")
    return Signature(return_type, args, recvr=kws.get("recvr"))


def is_signature(what: Any) -> bool:
    """Return whether a decorator's argument is a signature rather than a function."""
    return isinstance(what, (str, tuple, Signature))


def normalize_signature(what: Any) -> tuple[tuple[Type, ...], Type | None]:
    """Return the argument types and the result type of a signature.

    Parameters
    ----------
    what : str, tuple or Signature
        A text is an expression of Python in which the names of types stand for types.

    Returns
    -------
    args : tuple of Type
        Of the arguments.
    return_type : Type or None
        Of the result; None where it is left open.

    Raises
    ------
    TypeError
        It is no signature.
    """
    parsed = eval(what, {}, dict(vars(types))) if isinstance(what, str) else what
    if isinstance(parsed, tuple):
        args, return_type = parsed, None
    elif isinstance(parsed, Signature):
        args, return_type = parsed.args, parsed.return_type
    else:
        raise TypeError(
            f"invalid signature: {what!r} (type: {type(what).__name__!r}) evaluates to {type(parsed).__name__!r} "
            "instead of tuple or Signature"
        )
    for item in (*args, *(() if return_type is None else (return_type,))):
        if not isinstance(item, Type):
            raise TypeError(f"invalid type in signature: expected a type instance, got {item!r}")
    return args, return_type
