"""Numbers, booleans, dates and enumerations."""

from __future__ import annotations

import enum
from functools import total_ordering
from typing import Any

import numpy as np

from hasten.numba.core.types.base import Dummy, Hashable, Literal, Number, Type

__all__ = [
    "Boolean",
    "BooleanLiteral",
    "Complex",
    "EnumClass",
    "EnumMember",
    "Float",
    "IntEnumClass",
    "IntEnumMember",
    "Integer",
    "IntegerLiteral",
    "NPDatetime",
    "NPTimedelta",
]


class Boolean(Hashable):
    """The type of True and False."""

    __hasten_dtype__ = "bool"

    def cast_python_value(self, value: Any, /) -> bool:
        """Convert to a Python bool."""
        return bool(value)


class _Sized(Number):
    bitwidth: int

    def cast_python_value(self, value: Any, /) -> Any:
        """Convert to the NumPy scalar of this name."""
        return getattr(np, self.name)(value)

    def __lt__(self, other: Any) -> Any:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self.bitwidth < other.bitwidth


@total_ordering
class Integer(_Sized):
    """Integers of a width.

    Parameters
    ----------
    name : str
        ``"int32"``, ``"uint8"``.
    bitwidth : int, optional
        As in the name where it isn't given.
    signed : bool, optional
        As in the name where it isn't given.
    """

    def __init__(self, name: str, bitwidth: int | None = None, signed: bool | None = None) -> None:
        super().__init__(name)
        self.bitwidth = int(name.lstrip("uint")) if bitwidth is None else bitwidth
        self.signed = name.startswith("int") if signed is None else signed

    @classmethod
    def from_bitwidth(cls, bitwidth: int, signed: bool = True) -> Integer:
        """Return the type of this width."""
        made: Integer = cls(f"{'int' if signed else 'uint'}{bitwidth}")
        return made

    def __lt__(self, other: Any) -> Any:
        if self.__class__ is not other.__class__ or self.signed != other.signed:
            return NotImplemented
        return self.bitwidth < other.bitwidth

    @property
    def maxval(self) -> int:
        """The largest value."""
        return (1 << (self.bitwidth - 1 if self.signed else self.bitwidth)) - 1

    @property
    def minval(self) -> int:
        """The smallest value."""
        return -(1 << (self.bitwidth - 1)) if self.signed else 0


@total_ordering
class Float(_Sized):
    """Floats of a width.

    Parameters
    ----------
    name : str
        ``"float64"``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.bitwidth = int(name[len("float") :])


@total_ordering
class Complex(_Sized):
    """Complex numbers of a width.

    Parameters
    ----------
    name : str
        ``"complex128"``.
    underlying_float : Float
        The type of their parts.
    """

    def __init__(self, name: str, underlying_float: Float) -> None:
        super().__init__(name)
        self.underlying_float = underlying_float
        self.bitwidth = int(name[len("complex") :])


class IntegerLiteral(Literal, Integer):
    """One integer.

    Parameters
    ----------
    value : int
        The integer.
    """

    def __init__(self, value: int) -> None:
        self._literal_init(value)
        base: Any = self.literal_type
        Integer.__init__(self, f"Literal[int]({value})", base.bitwidth, base.signed)


class BooleanLiteral(Literal, Boolean):
    """True or False.

    Parameters
    ----------
    value : bool
        Which of them.
    """

    def __init__(self, value: bool) -> None:
        self._literal_init(value)
        Boolean.__init__(self, f"Literal[bool]({value})")


Literal.ctor_map[int] = IntegerLiteral
Literal.ctor_map[bool] = BooleanLiteral

_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "")


class _Date(Type):
    type_name: str

    def __init__(self, unit: str) -> None:
        if unit not in _UNITS:
            raise KeyError(unit)
        self.unit = unit
        self.unit_code = _UNITS.index(unit) + (1 if _UNITS.index(unit) > 2 else 0)
        super().__init__(f"{self.type_name}[{unit}]")

    def __lt__(self, other: Any) -> Any:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self.unit_code < other.unit_code

    def cast_python_value(self, value: Any, /) -> Any:
        """Convert to NumPy's date or duration of this unit."""
        scalar = getattr(np, self.type_name)
        return scalar(value, self.unit) if self.unit else scalar(value)


@total_ordering
class NPTimedelta(_Date):
    """Durations in a unit.

    Parameters
    ----------
    unit : str
        ``"ns"``; empty: none.
    """

    type_name = "timedelta64"


@total_ordering
class NPDatetime(_Date):
    """Dates in a unit.

    Parameters
    ----------
    unit : str
        ``"ns"``; empty: none.
    """

    type_name = "datetime64"


class _OfEnum(Type):
    basename: str

    def __init__(self, cls: type[enum.Enum], dtype: Type) -> None:
        self.instance_class = cls
        self.dtype = dtype
        super().__init__(f"{self.basename}<{dtype}>({cls.__name__})")

    @property
    def key(self) -> Any:
        """The Python class and the type of the values."""
        return self.instance_class, self.dtype


class EnumClass(_OfEnum, Dummy):
    """An Enum class.

    Parameters
    ----------
    cls : type
        The Python class.
    dtype : Type
        Of the values of its members.
    """

    basename = "Enum class"

    @property
    def member_type(self) -> EnumMember:
        """The type of the members."""
        made: EnumMember = EnumMember(self.instance_class, self.dtype)
        return made


class IntEnumClass(EnumClass):
    """An IntEnum class."""

    basename = "IntEnum class"

    @property
    def member_type(self) -> IntEnumMember:
        """The type of the members."""
        made: IntEnumMember = IntEnumMember(self.instance_class, self.dtype)
        return made


class EnumMember(_OfEnum):
    """Members of an Enum class.

    Parameters
    ----------
    cls : type
        The Python class.
    dtype : Type
        Of the values of its members.
    """

    basename = "Enum"
    class_type_class: type[EnumClass] = EnumClass

    @property
    def class_type(self) -> EnumClass:
        """The type of the class."""
        made: EnumClass = self.class_type_class(self.instance_class, self.dtype)
        return made


class IntEnumMember(EnumMember):
    """Members of an IntEnum class."""

    basename = "IntEnum"
    class_type_class = IntEnumClass
