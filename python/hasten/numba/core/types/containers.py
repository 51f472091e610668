"""Tuples, lists, sets and dicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hasten import _core
from hasten.numba.core.errors import TypingError
from hasten.numba.core.types.base import (
    ConstSized,
    Container,
    Hashable,
    InitialValue,
    IterableType,
    MutableSequence,
    Sequence,
    SimpleIteratorType,
    Type,
    TypeRef,
)
from hasten.numba.core.types.special import Optional, Undefined, unliteral

__all__ = [
    "BaseAnonymousTuple",
    "BaseNamedTuple",
    "BaseTuple",
    "DictType",
    "List",
    "ListIter",
    "ListType",
    "NamedTuple",
    "NamedUniTuple",
    "Pair",
    "Set",
    "SetIter",
    "Tuple",
    "UniTuple",
    "UniTupleIter",
    "UnionType",
    "is_homogeneous",
]


def is_homogeneous(*tys: Type) -> bool:
    """Return whether there are types, and all are one."""
    return bool(tys) and all(ty == tys[0] for ty in tys)


class Pair(Type):
    """Two values.

    Parameters
    ----------
    first_type, second_type : Type
        Of the values.
    """

    def __init__(self, first_type: Type, second_type: Type) -> None:
        self.first_type = first_type
        self.second_type = second_type
        super().__init__(f"pair<{first_type}, {second_type}>")

    @property
    def key(self) -> Any:
        """The types of the values."""
        return self.first_type, self.second_type


class BaseTuple(ConstSized, Hashable):
    """All tuples."""

    types: tuple[Type, ...]

    @classmethod
    def from_types(cls, tys: Iterable[Type], pyclass: type | None = None) -> Any:
        """Return the type of tuples whose items have these types."""
        tys = tuple(tys)
        if pyclass is not None and pyclass is not tuple:
            if not hasattr(pyclass, "_asdict"):
                return None
            tys = tuple(map(unliteral, tys))
            return NamedUniTuple(tys[0], len(tys), pyclass) if is_homogeneous(*tys) else NamedTuple(tys, pyclass)
        return UniTuple(tys[0], len(tys)) if is_homogeneous(*tys) else Tuple(tys)

    @property
    def _hasten_text(self) -> str:
        items = ", ".join(item._hasten_text for item in self.types)
        return f"Tuple(({items}{',' if len(self.types) == 1 else ''}))"


class BaseAnonymousTuple(BaseTuple):
    """Tuples without names."""

    def __unliteral__(self) -> Any:
        return self.from_types([unliteral(item) for item in self.types])


class _HomogeneousTuple(Sequence, BaseTuple):
    dtype: Type
    count: int

    def __getitem__(self, index: Any, /) -> Any:
        return self.dtype

    def __iter__(self) -> Iterator[Type]:
        return iter([self.dtype] * self.count)

    def __len__(self) -> int:
        return self.count

    @property
    def types(self) -> tuple[Type, ...]:  # type: ignore[override]
        """The types of the items."""
        return (self.dtype,) * self.count

    @property
    def iterator_type(self) -> Any:
        """The type of its iterators."""
        return UniTupleIter(self)


class UniTuple(BaseAnonymousTuple, _HomogeneousTuple):
    """Tuples whose items have one type.

    Parameters
    ----------
    dtype : Type
        Of each item.
    count : int
        How many there are.
    """

    def __init__(self, dtype: Type, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(f"UniTuple({dtype} x {count})")

    @property
    def key(self) -> Any:
        """The type of the items, and how many there are."""
        return self.dtype, self.count

    def __repr__(self) -> str:
        return f"UniTuple({self.dtype!r}, {self.count})"


class _HeterogeneousTuple(BaseTuple):
    def __getitem__(self, index: Any, /) -> Any:
        return self.types[index]

    def __len__(self) -> int:
        return len(self.types)

    def __iter__(self) -> Iterator[Type]:
        return iter(self.types)


def _check_types(types: Any) -> None:
    if not isinstance(types, Iterable):
        raise TypingError("Argument 'types' is not iterable")


class UnionType(Type):
    """A value of one of several types.

    Parameters
    ----------
    types : iterable of Type
        The types.
    """

    def __init__(self, types: Iterable[Type]) -> None:
        self.types = tuple(sorted(set(types), key=lambda item: item.name))
        super().__init__(f"Union[{','.join(map(str, self.types))}]")


class Tuple(BaseAnonymousTuple, _HeterogeneousTuple):
    """Tuples whose items have these types.

    Parameters
    ----------
    types : iterable of Type
        Of the items; where all are one, this makes a `UniTuple`.
    """

    def __new__(cls, types: Any) -> Any:
        """Make a `UniTuple` where all types are one."""
        _check_types(types)
        types = tuple(types)
        return UniTuple(types[0], len(types)) if is_homogeneous(*types) else object.__new__(cls)

    def __init__(self, types: Iterable[Type]) -> None:
        self.types = tuple(types)
        self.count = len(self.types)
        self.dtype = UnionType(self.types)
        super().__init__(f"Tuple({', '.join(map(str, self.types))})")

    @property
    def key(self) -> Any:
        """The types of the items."""
        return self.types

    def __repr__(self) -> str:
        return f"Tuple({self.types})"


class BaseNamedTuple(BaseTuple):
    """Named tuples."""

    instance_class: Any

    @property
    def _hasten_text(self) -> str:
        items = [item._hasten_text for item in self.types]
        return f"namedtuple({', '.join([str(_core.named_tuple_handle(self.instance_class)), *items])})"


class NamedUniTuple(BaseNamedTuple, _HomogeneousTuple):
    """Named tuples whose items have one type.

    Parameters
    ----------
    dtype : Type
        Of each item.
    count : int
        How many there are.
    cls : type
        The Python class.
    """

    def __init__(self, dtype: Type, count: int, cls: Any) -> None:
        self.dtype = dtype
        self.count = count
        self.fields = tuple(cls._fields)
        self.instance_class = cls
        super().__init__(f"{cls.__name__}({dtype} x {count})")

    @property
    def key(self) -> Any:
        """The class, the type of the items, and how many there are."""
        return self.instance_class, self.dtype, self.count


class NamedTuple(BaseNamedTuple, _HeterogeneousTuple):
    """Named tuples whose items have these types.

    Parameters
    ----------
    types : iterable of Type
        Of the items.
    cls : type
        The Python class.
    """

    def __init__(self, types: Iterable[Type], cls: Any) -> None:
        _check_types(types)
        self.types = tuple(types)
        self.count = len(self.types)
        self.fields = tuple(cls._fields)
        self.instance_class = cls
        super().__init__(f"{cls.__name__}({', '.join(map(str, self.types))})")

    @property
    def key(self) -> Any:
        """The class and the types of the items."""
        return self.instance_class, self.types


class _ContainerIterator(SimpleIteratorType):
    def __init__(self, container: Any) -> None:
        self.container = container
        super().__init__(f"iter({container})", container.dtype)

    @property
    def key(self) -> Any:
        """What it iterates over."""
        return self.container


class UniTupleIter(_ContainerIterator):
    """Iterators over tuples whose items have one type."""


class ListIter(_ContainerIterator):
    """Iterators over lists."""


class SetIter(_ContainerIterator):
    """Iterators over sets."""


class List(MutableSequence, InitialValue):
    """Lists.

    Parameters
    ----------
    dtype : Type
        Of the items.
    reflected : bool
        Whether it is an argument, whose changes the caller sees.
    initial_value : list, optional
        What it was made with.
    """

    def __init__(self, dtype: Type, reflected: bool = False, initial_value: Any = None) -> None:
        self.dtype = unliteral(dtype)
        self.reflected = reflected
        kind = "reflected list" if reflected else "list"
        Type.__init__(self, f"{kind}({self.dtype})<iv={initial_value}>")
        InitialValue.__init__(self, initial_value)

    def copy(self, dtype: Type | None = None, reflected: bool | None = None) -> Any:
        """Return the same type with a change."""
        return List(dtype or self.dtype, self.reflected if reflected is None else reflected, self.initial_value)

    @property
    def key(self) -> Any:
        """The type of the items, and whose they are."""
        return self.dtype, self.reflected, str(self.initial_value)

    @property
    def iterator_type(self) -> Any:
        """The type of its iterators."""
        return ListIter(self)

    def is_precise(self) -> bool:
        """Whether the type of the items is."""
        return self.dtype.is_precise()  # type: ignore[no-any-return]

    def __getitem__(self, index: Any, /) -> Any:
        return self.dtype

    def __unliteral__(self) -> Any:
        return List(self.dtype, self.reflected)

    def __repr__(self) -> str:
        return f"List({self.dtype}, {self.reflected})"

    @property
    def _hasten_text(self) -> str:
        return f"List({self.dtype._hasten_text})"


class Set(Container):
    """Sets.

    Parameters
    ----------
    dtype : Type
        Of the items.
    reflected : bool
        Whether it is an argument, whose changes the caller sees.
    """

    mutable = True

    def __init__(self, dtype: Type, reflected: bool = False) -> None:
        if not isinstance(dtype, (Hashable, Undefined)):
            raise AssertionError(f"{dtype} can't be in a set")
        self.dtype = dtype
        self.reflected = reflected
        super().__init__(f"{'reflected set' if reflected else 'set'}({dtype})")

    @property
    def key(self) -> Any:
        """The type of the items, and whose they are."""
        return self.dtype, self.reflected

    @property
    def iterator_type(self) -> Any:
        """The type of its iterators."""
        return SetIter(self)

    def is_precise(self) -> bool:
        """Whether the type of the items is."""
        return self.dtype.is_precise()

    def copy(self, dtype: Type | None = None, reflected: bool | None = None) -> Any:
        """Return the same type with a change."""
        return Set(dtype or self.dtype, self.reflected if reflected is None else reflected)

    def __repr__(self) -> str:
        return f"Set({self.dtype}, {self.reflected})"

    @property
    def _hasten_text(self) -> str:
        return f"Set({self.dtype._hasten_text})"


class ListType(IterableType):
    """Typed lists.

    Parameters
    ----------
    itemty : Type
        Of the items.
    """

    mutable = True

    def __init__(self, itemty: Type) -> None:
        if isinstance(itemty, TypeRef):
            raise AssertionError(f"{itemty} is no type of items")
        itemty = unliteral(itemty)
        if isinstance(itemty, Optional):
            raise TypingError(f"List.item_type cannot be of type {itemty}")
        self.item_type = itemty
        self.dtype = itemty
        super().__init__(f"ListType[{itemty}]")

    @property
    def key(self) -> Any:
        """The type of the items."""
        return self.item_type

    def is_precise(self) -> bool:
        """Whether the type of the items is known."""
        return not isinstance(self.item_type, Undefined)

    def __repr__(self) -> str:
        return f"ListType({self.item_type!r})"


class DictType(IterableType, InitialValue):
    """Typed dicts.

    Parameters
    ----------
    keyty, valty : Type
        Of the keys and the values.
    initial_value : dict, optional
        What it was made with.
    """

    mutable = True

    def __init__(self, keyty: Type, valty: Type, initial_value: Any = None) -> None:
        keyty, valty = unliteral(keyty), unliteral(valty)
        if isinstance(keyty, (Optional, List, Set)):
            raise TypingError(f"Dict.key_type cannot be of type {keyty}")
        if isinstance(valty, (Optional, List, Set)):
            raise TypingError(f"Dict.value_type cannot be of type {valty}")
        self.key_type = keyty
        self.value_type = valty
        self.keyvalue_type = Tuple([keyty, valty])
        Type.__init__(self, f"DictType[{keyty},{valty}]<iv={initial_value}>")
        InitialValue.__init__(self, initial_value)

    def is_precise(self) -> bool:
        """Whether both types are known."""
        return not isinstance(self.key_type, Undefined) and not isinstance(self.value_type, Undefined)

    @property
    def key(self) -> Any:
        """The types of keys and values."""
        return self.key_type, self.value_type, str(self.initial_value)

    def __repr__(self) -> str:
        return f"DictType({self.key_type}, {self.value_type})"
