"""What all types share: they are interned, compared by a key, and make arrays and signatures."""

from __future__ import annotations

import weakref
from abc import ABCMeta
from typing import Any

__all__ = [
    "ArrayCompatible",
    "Callable",
    "ConstSized",
    "Container",
    "DTypeSpec",
    "Dummy",
    "Hashable",
    "InitialValue",
    "IterableType",
    "IteratorType",
    "Literal",
    "MutableSequence",
    "Number",
    "Opaque",
    "Phantom",
    "Poison",
    "Sequence",
    "SimpleIterableType",
    "SimpleIteratorType",
    "Sized",
    "Type",
    "TypeRef",
]


class _Interning(ABCMeta):
    """Makes equal types the same object, for as long as anybody holds it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _intern(super().__call__(*args, **kwargs))


def _intern(made: Any) -> Any:
    return _interned.setdefault((type(made), made.key), made)


_interned: weakref.WeakValueDictionary[tuple[Any, Any], Any] = weakref.WeakValueDictionary()


def _unpickle(cls: type, state: dict[str, Any]) -> Any:
    made: Any = object.__new__(cls)
    made.__dict__.update(state)
    return _intern(made)


class Type(metaclass=_Interning):
    """The base of all types.

    Parameters
    ----------
    name : str
        As the type is printed.
    """

    mutable = False
    reflected = False

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def key(self) -> Any:
        """What tells types of one class apart."""
        return self.name

    @property
    def _hasten_text(self) -> str:
        """The type as the engine reads it in a signature."""
        return str(self)

    def __repr__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return self.__class__ is other.__class__ and bool(self.key == other.key)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __reduce__(self) -> Any:
        return _unpickle, (type(self), dict(self.__dict__))

    def is_precise(self) -> bool:
        """Whether a value can have exactly this type."""
        return True

    @property
    def is_internal(self) -> bool:
        """Whether it is one of Hasten's own types."""
        return type(self).__module__.split(".")[0] == "hasten"

    def __call__(self, *args: Any) -> Any:
        """Convert a Python value, or make the signature that returns this type."""
        if len(args) == 1 and not isinstance(args[0], Type):
            return self.cast_python_value(args[0])
        from hasten.numba.core.typing import signature

        return signature(self, *args)

    def __getitem__(self, index: Any, /) -> Any:
        """Make the type of arrays of this one: ``float64[:, ::1]``."""
        from hasten.numba.core.types.arrays import Array

        ndim, layout = _array_of(index)
        return Array(dtype=self, ndim=ndim, layout=layout)

    def cast_python_value(self, value: Any, /) -> Any:
        """Convert a Python value to this type."""
        raise NotImplementedError


def _array_of(index: Any) -> tuple[int, str]:
    axes = list(index) if isinstance(index, (tuple, list)) else [index]
    if not axes or any(not isinstance(axis, slice) or axis.start is not None or axis.stop is not None for axis in axes):
        raise KeyError(f"Can only index numba types with slices with no start or stop, got {index}.")
    if not isinstance(index, (tuple, list)):
        return 1, "C" if index.step == 1 else "A"
    return len(axes), "F" if axes[0].step == 1 else "C" if axes[-1].step == 1 else "A"


class Dummy(Type):
    """Types whose values hold nothing at run time."""


class Hashable(Type):
    """Types whose values can be keys."""


class Number(Hashable):
    """Integers, floats and complex numbers."""

    @property
    def __hasten_dtype__(self) -> str:
        """What it means in compiled code: the conversion to this dtype."""
        return self.name


class Callable(Type):
    """Types whose values can be called."""


class DTypeSpec(Type):
    """Types whose values can stand where a dtype is asked for."""


class IterableType(Type):
    """Types whose values can be iterated over."""


class Sized(Type):
    """Types whose values have a length."""


class ConstSized(Sized):
    """Types that fix the length of their values."""


class IteratorType(IterableType):
    """Types of iterators."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    @property
    def iterator_type(self) -> IteratorType:
        """The type itself."""
        return self


class Container(Sized, IterableType):
    """Types of containers."""


class Sequence(Container):
    """Types of sequences; `dtype` is what they hold."""


class MutableSequence(Sequence):
    """Types of sequences that can change."""

    mutable = True


class ArrayCompatible(Type):
    """Types whose values can be taken for arrays."""

    array_priority = 0.0


class Opaque(Dummy):
    """Types that compiled code hands on and knows nothing about."""


class Phantom(Dummy):
    """Types without values."""


class SimpleIterableType(IterableType):
    """Types that know the type of their iterators.

    Parameters
    ----------
    name : str
        As it is printed.
    iterator_type : Type
        Of its iterators.
    """

    def __init__(self, name: str, iterator_type: Type) -> None:
        self._iterator_type = iterator_type
        super().__init__(name)

    @property
    def iterator_type(self) -> Type:
        """The type of its iterators."""
        return self._iterator_type


class SimpleIteratorType(IteratorType):
    """Types of iterators that know what they give.

    Parameters
    ----------
    name : str
        As it is printed.
    yield_type : Type
        Of what they give.
    """

    def __init__(self, name: str, yield_type: Type) -> None:
        self._yield_type = yield_type
        super().__init__(name)

    @property
    def yield_type(self) -> Type:
        """The type of what they give."""
        return self._yield_type


def hashable_key(value: Any) -> Any:
    """Return what tells this value apart: itself, or, where it can't be a key, what it is made of or its identity."""
    if isinstance(value, dict):
        return type(value), tuple((hashable_key(k), hashable_key(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(hashable_key, value))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


class Literal(Type):
    """Types that hold the one value that they stand for; `literal` makes them.

    Parameters
    ----------
    value : object
        The value.
    """

    ctor_map: dict[type, type[Literal]] = {}  # noqa: RUF012 - numba's name and meaning

    def __init__(self, value: Any) -> None:
        if type(self) is Literal:
            raise TypeError("Cannot be constructed directly. Use `numba.types.literal(value)` instead")
        self._literal_init(value)
        super().__init__(f"Literal[{type(value).__name__}]({value})")

    def _literal_init(self, value: Any) -> None:
        self._literal_value = value
        self._key = hashable_key(value)

    @property
    def key(self) -> Any:
        """The name, which shows the value."""
        return self.name

    @property
    def literal_value(self) -> Any:
        """The value."""
        return self._literal_value

    @property
    def literal_type(self) -> Type:
        """The type that the value has where it isn't known."""
        from hasten.numba.core.typing import typeof

        try:
            found: Type = typeof(self._literal_value)
        except ValueError as error:
            if "Int value is too large" in str(error):
                raise TypeError(f"Cannot create literal type. {error}") from None
            raise AttributeError(f"{self} has no attribute 'literal_type'") from None
        return found

    @property
    def _hasten_text(self) -> str:
        return self.literal_type._hasten_text


class TypeRef(Dummy):
    """The type of a type that is passed as a value.

    Parameters
    ----------
    instance_type : Type
        The type that is passed.
    """

    def __init__(self, instance_type: Any) -> None:
        self.instance_type = instance_type
        super().__init__(f"typeref[{instance_type}]")

    @property
    def key(self) -> Any:
        """The type that is passed."""
        return self.instance_type


class InitialValue:
    """For types that carry the value that their objects were made with.

    Parameters
    ----------
    initial_value : object
        That value.
    """

    def __init__(self, initial_value: Any) -> None:
        self._initial_value = initial_value

    @property
    def initial_value(self) -> Any:
        """The value that the object was made with."""
        return self._initial_value


class Poison(Type):
    """A type that goes with no other.

    Parameters
    ----------
    ty : Type
        What it was before.
    """

    def __init__(self, ty: Type) -> None:
        self.ty = ty
        super().__init__(f"Poison<{ty}>")
