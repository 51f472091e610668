"""None, optional values, strings, slices, pointers, functions, and other types of single values."""

from __future__ import annotations

import weakref
from typing import Any

from hasten.numba.core.errors import LiteralTypingError
from hasten.numba.core.types.base import (
    Callable,
    DTypeSpec,
    Dummy,
    Hashable,
    IterableType,
    Literal,
    Opaque,
    Phantom,
    SimpleIterableType,
    SimpleIteratorType,
    Type,
    hashable_key,
)

__all__ = [
    "BaseFunction",
    "CPointer",
    "DeferredType",
    "Dispatcher",
    "EllipsisType",
    "ExceptionClass",
    "ExceptionInstance",
    "Function",
    "FunctionType",
    "Module",
    "NamedTupleClass",
    "NoneType",
    "NumPyRandomBitGeneratorType",
    "NumPyRandomGeneratorType",
    "NumberClass",
    "Omitted",
    "Optional",
    "PyObject",
    "RangeIteratorType",
    "RangeType",
    "RawPointer",
    "SliceLiteral",
    "SliceType",
    "StringLiteral",
    "Undefined",
    "UnicodeIteratorType",
    "UnicodeType",
    "VarArg",
    "literal",
    "maybe_literal",
    "unliteral",
]


class PyObject(Dummy):
    """Any Python object."""

    def is_precise(self) -> bool:
        """Say no: it may be anything."""
        return False


class Undefined(Dummy):
    """A type that isn't known yet."""

    def is_precise(self) -> bool:
        """Say no."""
        return False


class RawPointer(Opaque):
    """Addresses of anything."""


class StringLiteral(Literal, Dummy):
    """One string."""


Literal.ctor_map[str] = StringLiteral


def unliteral(lit_type: Any) -> Any:
    """Return the type that a literal's value has where it isn't known; other types as they are."""
    if hasattr(lit_type, "__unliteral__"):
        return lit_type.__unliteral__()
    return getattr(lit_type, "literal_type", lit_type)


def literal(value: Any) -> Literal:
    """Return the type that stands for this one value.

    Parameters
    ----------
    value : int, bool, str, slice
        The value.

    Returns
    -------
    Literal
        Its type.

    Raises
    ------
    LiteralTypingError
        There is no such type for this value.
    """
    cls = type(value)
    if isinstance(value, Literal):
        raise ValueError(f"the function does not accept a Literal type; got {value} ({cls})")
    if cls not in Literal.ctor_map:
        raise LiteralTypingError(f"{cls} cannot be used as a literal")
    return Literal.ctor_map[cls](value)


def maybe_literal(value: Any) -> Literal | None:
    """Return the type that stands for this one value, or None."""
    try:
        return literal(value)
    except LiteralTypingError:
        return None


class Omitted(Opaque):
    """An argument that was left to its default.

    Parameters
    ----------
    default : object
        The default.
    """

    def __init__(self, default: Any) -> None:
        self._value = default
        super().__init__(f"omitted(default={default!r})")

    @property
    def key(self) -> Any:
        """The default and its class."""
        return type(self._value), hashable_key(self._value)

    @property
    def value(self) -> Any:
        """The default."""
        return self._value

    @property
    def _hasten_text(self) -> str:
        from hasten.numba.core.typing import typeof

        found: Type = typeof(self._value)
        return found._hasten_text


class VarArg(Type):
    """The rest of a function's positional arguments.

    Parameters
    ----------
    dtype : Type
        Of each.
    """

    def __init__(self, dtype: Type) -> None:
        self.dtype = dtype
        super().__init__(f"*{dtype}")


class Module(Dummy):
    """A module.

    Parameters
    ----------
    pymod : module
        The module.
    """

    def __init__(self, pymod: Any) -> None:
        self.pymod = pymod
        super().__init__(f"Module({pymod})")

    @property
    def key(self) -> Any:
        """The module."""
        return self.pymod


class CPointer(Type):
    """Addresses of values of a type.

    Parameters
    ----------
    dtype : Type
        Of what is there.
    addrspace : int, optional
        Which memory it is in.
    """

    mutable = True

    def __init__(self, dtype: Type, addrspace: int | None = None) -> None:
        self.dtype = dtype
        self.addrspace = addrspace
        super().__init__(f"{dtype}*" if addrspace is None else f"{dtype}_{addrspace}*")

    @property
    def key(self) -> Any:
        """What is there, and where."""
        return self.dtype, self.addrspace


class NoneType(Opaque):
    """The type of None."""


class Optional(Type):
    """None, or a value of a type.

    Parameters
    ----------
    typ : Type
        Of the value.
    """

    def __init__(self, typ: Type) -> None:
        if isinstance(typ, (Optional, NoneType)):
            raise AssertionError(f"{typ} is None already at times")
        self.type = unliteral(typ)
        super().__init__(f"OptionalType({self.type})")

    @property
    def key(self) -> Any:
        """The type of the value."""
        return self.type

    @property
    def _hasten_text(self) -> str:
        return f"optional({self.type._hasten_text})"


class EllipsisType(Opaque):
    """The type of ``...``."""

    @property
    def _hasten_text(self) -> str:
        return "ellipsis"


class ExceptionClass(Callable, Phantom):
    """An exception class.

    Parameters
    ----------
    exc_class : type
        The class.
    """

    def __init__(self, exc_class: type[BaseException]) -> None:
        self.exc_class = exc_class
        super().__init__(exc_class.__name__)

    @property
    def key(self) -> Any:
        """The class."""
        return self.exc_class


class ExceptionInstance(Phantom):
    """Exceptions of a class.

    Parameters
    ----------
    exc_class : type
        The class.
    """

    def __init__(self, exc_class: type[BaseException]) -> None:
        self.exc_class = exc_class
        super().__init__(f"{exc_class.__name__}(...)")

    @property
    def key(self) -> Any:
        """The class."""
        return self.exc_class


class SliceType(Type):
    """Slices.

    Parameters
    ----------
    name : str
        As it is printed.
    members : int
        2: without a step; 3: with one.
    """

    def __init__(self, name: str, members: int) -> None:
        self.members = members
        self.has_step = members >= 3
        super().__init__(name)

    @property
    def key(self) -> Any:
        """How many parts they have."""
        return self.members


class SliceLiteral(Literal, SliceType):
    """One slice.

    Parameters
    ----------
    value : slice
        The slice.
    """

    def __init__(self, value: slice) -> None:
        self._literal_init(value)
        SliceType.__init__(self, f"Literal[slice]({value})", 2 if value.step is None else 3)

    @property
    def key(self) -> Any:
        """The parts of the slice."""
        return self.literal_value.start, self.literal_value.stop, self.literal_value.step


Literal.ctor_map[slice] = SliceLiteral


class UnicodeType(IterableType, Hashable):
    """The type of strings."""

    @property
    def iterator_type(self) -> UnicodeIteratorType:
        """The type of iterators over characters."""
        made: UnicodeIteratorType = UnicodeIteratorType(self)
        return made


class UnicodeIteratorType(SimpleIteratorType):
    """Iterators over characters.

    Parameters
    ----------
    dtype : Type
        Of each character: strings.
    """

    def __init__(self, dtype: Type) -> None:
        self.data = dtype
        super().__init__("iter_unicode", dtype)


class DeferredType(Type):
    """A type that is said later."""

    def __init__(self) -> None:
        self._define: Type | None = None
        super().__init__(f"DeferredType#{id(self)}")

    def get(self) -> Type:
        """Return what was said."""
        if self._define is None:
            raise RuntimeError("deferred type not defined")
        return self._define

    def define(self, typ: Type) -> None:
        """Say which type it is."""
        if self._define is not None:
            raise TypeError("deferred type already defined")
        if not isinstance(typ, Type):
            raise TypeError(f"arg is not a Type; got: {type(typ)}")
        self._define = typ


class RangeType(SimpleIterableType):
    """Ranges.

    Parameters
    ----------
    dtype : Type
        Of the integers.
    """

    def __init__(self, dtype: Type) -> None:
        self.dtype = dtype
        super().__init__(f"range_state_{dtype}", RangeIteratorType(dtype))

    @property
    def _hasten_text(self) -> str:
        return "range"


class RangeIteratorType(SimpleIteratorType):
    """Iterators over ranges.

    Parameters
    ----------
    dtype : Type
        Of the integers.
    """

    def __init__(self, dtype: Type) -> None:
        super().__init__(f"range_iter_{dtype}", dtype)


class NumberClass(Callable, DTypeSpec, Opaque):
    """A class of numbers, such as ``np.float64``.

    Parameters
    ----------
    instance_type : Type
        Of the numbers.
    """

    def __init__(self, instance_type: Type) -> None:
        self.instance_type = instance_type
        super().__init__(f"class({instance_type})")

    @property
    def key(self) -> Any:
        """The type of the numbers."""
        return self.instance_type

    @property
    def dtype(self) -> Type:
        """The type of the numbers."""
        return self.instance_type


class NamedTupleClass(Callable, Opaque):
    """A class of named tuples.

    Parameters
    ----------
    instance_class : type
        The class.
    """

    def __init__(self, instance_class: type) -> None:
        self.instance_class = instance_class
        super().__init__(f"class({instance_class})")

    @property
    def key(self) -> Any:
        """The class."""
        return self.instance_class


class BaseFunction(Callable):
    """Functions that compiled code knows by name."""


class Function(BaseFunction, Opaque):
    """A function of a library.

    Parameters
    ----------
    function : callable
        The function.
    """

    def __init__(self, function: Any) -> None:
        self.typing_key = function
        super().__init__(f"Function({function})")

    @property
    def key(self) -> Any:
        """The function."""
        return self.typing_key


class Dispatcher(Callable, Dummy):
    """A compiled function.

    Parameters
    ----------
    dispatcher : Dispatcher
        The function. The type doesn't keep it alive.
    """

    def __init__(self, dispatcher: Any) -> None:
        self._reference = weakref.ref(dispatcher)
        super().__init__(f"type({dispatcher})")

    @property
    def dispatcher(self) -> Any:
        """The function."""
        found = self._reference()
        if found is None:
            raise ReferenceError("underlying object has vanished")
        return found

    @property
    def key(self) -> Any:
        """The function."""
        return self._reference


class FunctionType(Callable):
    """Functions that have one signature.

    Parameters
    ----------
    signature : Signature
        The signature.
    """

    def __init__(self, signature: Any) -> None:
        self.signature = signature
        self.nargs = len(signature.args)
        arguments = ", ".join(str(argument) for argument in signature.args)
        super().__init__(f"FunctionType[{signature.return_type}({arguments})]")


class NumPyRandomGeneratorType(Type):
    """NumPy's random generators."""

    def __init__(self) -> None:
        super().__init__("NumPyRandomGeneratorType")


class NumPyRandomBitGeneratorType(Type):
    """The bit generators of NumPy's random generators."""

    def __init__(self) -> None:
        super().__init__("NumPyRandomBitGeneratorType")
