"""Arrays, and what they are made of."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from hasten.numba.core.errors import NumbaTypeError, NumbaValueError
from hasten.numba.core.types.base import (
    ArrayCompatible,
    DTypeSpec,
    IterableType,
    MutableSequence,
    Opaque,
    SimpleIteratorType,
    Type,
)
from hasten.numba.core.types.special import unliteral

__all__ = [
    "Array",
    "ArrayIterator",
    "Buffer",
    "ByteArray",
    "Bytes",
    "CharSeq",
    "DType",
    "MemoryView",
    "NestedArray",
    "NumpyFlatType",
    "PyArray",
    "Record",
    "UnicodeCharSeq",
]


class Buffer(IterableType, ArrayCompatible):
    """Memory that several objects can look into.

    Parameters
    ----------
    dtype : Type
        Of the items.
    ndim : int
        How many axes there are.
    layout : {"C", "F", "CS", "FS", "A"}
        How the items lie.
    readonly : bool
        Whether they can't be changed.
    name : str, optional
        As the type is printed.
    """

    mutable = True
    slice_is_copy = False
    aligned = True
    LAYOUTS = frozenset(["C", "F", "CS", "FS", "A"])

    def __init__(self, dtype: Type, ndim: int, layout: str, readonly: bool = False, name: str | None = None) -> None:
        if isinstance(dtype, Buffer):
            raise NumbaTypeError(
                "The dtype of a Buffer type cannot itself be a Buffer type, this is unsupported behaviour."
                f"\nThe dtype requested for the unsupported Buffer was: {dtype}."
            )
        if layout not in self.LAYOUTS:
            raise NumbaValueError(f"Invalid layout '{layout}'")
        self.dtype = unliteral(dtype)
        self.ndim = ndim
        self.layout = layout
        if readonly:
            self.mutable = False
        kind = type(self).__name__.lower()
        super().__init__(name or f"{'readonly ' if readonly else ''}{kind}({dtype}, {ndim}d, {layout})")

    @property
    def iterator_type(self) -> Any:
        """The type of iterators over the first axis."""
        return ArrayIterator(self)

    @property
    def as_array(self) -> Any:
        """The type itself."""
        return self

    def copy(self, dtype: Type | None = None, ndim: int | None = None, layout: str | None = None) -> Any:
        """Return the same type with a change."""
        return type(self)(
            dtype=dtype or self.dtype,
            ndim=self.ndim if ndim is None else ndim,
            layout=layout or self.layout,
            readonly=not self.mutable,
        )

    @property
    def key(self) -> Any:
        """All that the type says."""
        return self.dtype, self.ndim, self.layout, self.mutable

    @property
    def is_c_contig(self) -> bool:
        """Whether the items lie one after the other in C order."""
        return self.layout == "C" or (self.ndim <= 1 and self.layout in "CF")

    @property
    def is_f_contig(self) -> bool:
        """Whether the items lie one after the other in Fortran's order."""
        return self.layout == "F" or (self.ndim <= 1 and self.layout in "CF")

    @property
    def is_contig(self) -> bool:
        """Whether the items lie one after the other."""
        return self.layout in "CF"


class Bytes(Buffer):
    """Values of bytes."""

    mutable = False


class ByteArray(Buffer):
    """Values of bytearray."""

    slice_is_copy = True


class PyArray(Buffer):
    """Values of array.array."""

    slice_is_copy = True


class MemoryView(Buffer):
    """Values of memoryview."""


class Array(Buffer):
    """NumPy's arrays.

    Parameters
    ----------
    dtype : Type
        Of the items.
    ndim : int
        How many axes there are.
    layout : {"C", "F", "A"}
        How the items lie.
    readonly : bool
        Whether they can't be changed.
    name : str, optional
        As the type is printed.
    aligned : bool
        Whether each item lies at a multiple of its size.
    """

    def __init__(
        self, dtype: Type, ndim: int, layout: str, readonly: bool = False, name: str | None = None, aligned: bool = True
    ) -> None:
        if readonly:
            self.mutable = False
        if not aligned or (isinstance(dtype, Record) and not dtype.aligned):
            self.aligned = False
        if isinstance(dtype, NestedArray):
            ndim += dtype.ndim
            dtype = dtype.dtype
        kind = f"{'' if self.aligned else 'unaligned '}{'' if self.mutable else 'readonly '}array"
        super().__init__(dtype, ndim, layout, name=name or f"{kind}({dtype}, {ndim}d, {layout})")

    def copy(
        self,
        dtype: Type | None = None,
        ndim: int | None = None,
        layout: str | None = None,
        readonly: bool | None = None,
    ) -> Any:
        """Return the same type with a change."""
        return Array(
            dtype=dtype or self.dtype,
            ndim=self.ndim if ndim is None else ndim,
            layout=layout or self.layout,
            readonly=not self.mutable if readonly is None else readonly,
            aligned=self.aligned,
        )

    @property
    def key(self) -> Any:
        """All that the type says."""
        return self.dtype, self.ndim, self.layout, self.mutable, self.aligned

    def is_precise(self) -> bool:
        """Whether the type of the items is."""
        return self.dtype.is_precise()  # type: ignore[no-any-return]

    @property
    def box_type(self) -> type:
        """The Python class of the values."""
        return np.ndarray

    def __repr__(self) -> str:
        return f"Array({self.dtype!r}, {self.ndim}, '{self.layout}', {not self.mutable}, aligned={self.aligned})"

    @property
    def _hasten_text(self) -> str:
        return f"{'' if self.mutable else 'readonly '}array({self.dtype._hasten_text}, {self.ndim}d, {self.layout})"


class ArrayIterator(SimpleIteratorType):
    """Iterators over the first axis of an array.

    Parameters
    ----------
    array_type : Buffer
        The array's type.
    """

    def __init__(self, array_type: Any) -> None:
        self.array_type = array_type
        layout = array_type.layout if array_type.layout == "C" else "A"
        item = array_type.dtype if array_type.ndim <= 1 else array_type.copy(ndim=array_type.ndim - 1, layout=layout)
        super().__init__(f"iter({array_type})", item)


class CharSeq(Type):
    """Items of dtype "S".

    Parameters
    ----------
    count : int
        How many bytes each has.
    """

    mutable = True

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"[char x {count}]")


class UnicodeCharSeq(Type):
    """Items of dtype "U".

    Parameters
    ----------
    count : int
        How many characters each has.
    """

    mutable = True

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"[unichr x {count}]")

    def __repr__(self) -> str:
        return f"UnicodeCharSeq({self.count})"


class _Field(NamedTuple):
    type: Any
    offset: int
    alignment: int | None
    title: str | None


class Record(Type):
    """Items of a structured dtype.

    Parameters
    ----------
    fields : list of (str, dict)
        The name of each field, and its "type", "offset", and perhaps "alignment" and "title".
    size : int
        Of an item, in bytes.
    aligned : bool
        Whether the fields lie as in C.
    """

    mutable = True
    _KEYS: ClassVar[tuple[str, ...]] = ("type", "offset", "alignment", "title")

    def __init__(self, fields: Any, size: int, aligned: bool) -> None:
        ordered = sorted(fields, key=lambda field: (field[1]["offset"], field[0]))
        self.fields = {name: _Field(*(facts.get(key) for key in self._KEYS)) for name, facts in ordered}
        self.size = size
        self.aligned = aligned
        text = ",".join(self._describe(name, field) for name, field in self.fields.items())
        super().__init__(f"Record({text};{size};{aligned})")
        self.bitwidth = size * 8

    @staticmethod
    def _describe(name: str, field: _Field) -> str:
        extra = f";title={field.title}" if field.title is not None else ""
        extra = f";alignment={field.alignment}" if field.alignment is not None else extra
        return f"{name}[type={field.type};offset={field.offset}{extra}]"

    def __len__(self) -> int:
        return len(self.fields)

    def offset(self, key: str) -> int:
        """Return where a field begins, in bytes."""
        return self.fields[key].offset

    def typeof(self, key: str) -> Any:
        """Return the type of a field."""
        return self.fields[key].type

    def alignof(self, key: str) -> int | None:
        """Return the alignment of a field, where it is given."""
        return self.fields[key].alignment

    def has_titles(self) -> bool:
        """Return whether a field has a title."""
        return any(field.title is not None for field in self.fields.values())

    def is_title(self, key: str) -> bool:
        """Return whether this name is a title."""
        return self.fields[key].title == key

    @property
    def members(self) -> list[tuple[str, Any]]:
        """The names and types of the fields, in their order."""
        return [(name, field.type) for name, field in sorted(self.fields.items(), key=lambda item: item[1].offset)]

    @property
    def dtype(self) -> Any:
        """NumPy's dtype."""
        from hasten.numba.np.numpy_support import as_struct_dtype

        return as_struct_dtype(self)

    def __repr__(self) -> str:
        fields = ", ".join(
            f"('{name}', {{'type': {field.type!r}, 'offset': {field.offset}, 'alignment': {field.alignment}, "
            f"'title': {field.title}, }})"
            for name, field in self.fields.items()
        )
        return f"Record([{fields}], {self.size}, {self.aligned})"


class NestedArray(Array):
    """Arrays that are fields of a record.

    Parameters
    ----------
    dtype : Type
        Of the items.
    shape : tuple of int
        Of the array.
    """

    def __init__(self, dtype: Any, shape: tuple[int, ...]) -> None:
        if isinstance(dtype, NestedArray):
            shape += dtype.shape
            dtype = dtype.dtype
        self._shape = shape
        super().__init__(dtype, len(shape), "C", name=f"nestedarray({dtype}, {shape})")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self._shape

    @property
    def nitems(self) -> int:
        """How many items there are."""
        return int(np.prod(self._shape, dtype=int))

    @property
    def size(self) -> int:
        """Of an item, in bytes."""
        return int(self.dtype.bitwidth) // 8

    @property
    def strides(self) -> tuple[int, ...]:
        """The steps of all axes, in bytes."""
        steps = [self.size]
        for length in reversed(self._shape[1:]):
            steps.append(steps[-1] * length)
        return tuple(reversed(steps))

    @property
    def bitwidth(self) -> int:
        """Of the whole array."""
        return self.nitems * self.size * 8

    @property
    def key(self) -> Any:
        """The type of the items and the shape."""
        return self.dtype, self._shape

    def __repr__(self) -> str:
        return f"NestedArray({self.dtype!r}, {self._shape})"


class DType(DTypeSpec, Opaque):
    """Values of np.dtype.

    Parameters
    ----------
    dtype : Type
        The type that the dtype names.
    """

    def __init__(self, dtype: Type) -> None:
        self._dtype = dtype
        super().__init__(f"dtype({dtype})")

    @property
    def key(self) -> Any:
        """The type that the dtype names."""
        return self._dtype

    @property
    def dtype(self) -> Type:
        """The type that the dtype names."""
        return self._dtype


class NumpyFlatType(SimpleIteratorType, MutableSequence):
    """Values of ``a.flat``.

    Parameters
    ----------
    arrty : Array
        The array's type.
    """

    def __init__(self, arrty: Array) -> None:
        self.array_type = arrty
        self.dtype = arrty.dtype
        super().__init__(f"array.flat({arrty})", arrty.dtype)
