"""Numba's names of the types that need no arguments, with all their aliases."""

from __future__ import annotations

from hasten.numba.core.types.base import Dummy, Opaque, Phantom
from hasten.numba.core.types.scalars import Boolean, Complex, Float, Integer
from hasten.numba.core.types.special import (
    DeferredType,
    EllipsisType,
    NoneType,
    NumPyRandomBitGeneratorType,
    NumPyRandomGeneratorType,
    Optional,
    PyObject,
    RangeIteratorType,
    RangeType,
    RawPointer,
    SliceType,
    Undefined,
    UnicodeType,
)

pyobject = PyObject("pyobject")
ffi_forced_object = Opaque("ffi_forced_object")
ffi = Opaque("ffi")
none = void = NoneType("none")
ellipsis = EllipsisType("...")
Any = Phantom("any")
undefined = Undefined("undefined")
unicode_type = string = UnicodeType("unicode_type")
unknown = Dummy("unknown")
npy_rng = NumPyRandomGeneratorType()
npy_bitgen = NumPyRandomBitGeneratorType()
code_type = Opaque("code")
pyfunc_type = Opaque("pyfunc")
voidptr = RawPointer("void*")
optional = Optional
deferred_type = DeferredType
slice2_type = SliceType("slice<a:b>", 2)
slice3_type = SliceType("slice<a:b:c>", 3)

boolean = bool_ = bool = b1 = c_bool = py_bool = np_bool_ = Boolean("bool")

int8 = i1 = char = c_int8 = np_int8 = np_char = Integer("int8")
int16 = i2 = short = c_int16 = np_int16 = np_short = Integer("int16")
int32 = i4 = intc = c_int32 = np_int32 = np_intc = Integer("int32")
int64 = i8 = long_ = longlong = c_int64 = np_int64 = np_long = np_longlong = Integer("int64")
uint8 = u1 = byte = uchar = c_uint8 = np_uint8 = np_uchar = Integer("uint8")
uint16 = u2 = ushort = c_uint16 = np_uint16 = np_ushort = Integer("uint16")
uint32 = u4 = uintc = c_uint32 = np_uint32 = np_uintc = Integer("uint32")
uint64 = u8 = ulong = ulonglong = c_uint64 = np_uint64 = np_ulong = np_ulonglong = Integer("uint64")
intp = ssize_t = int_ = c_intp = py_int = np_intp = np_int_ = int64
uintp = size_t = uint = c_uintp = np_uintp = np_uint = uint64

float16 = f2 = c_float16 = np_float16 = Float("float16")
float32 = f4 = c_float32 = np_float32 = np_float_ = Float("float32")
float64 = f8 = double = c_float64 = py_float = np_float64 = np_double = Float("float64")
complex64 = c8 = np_complex64 = Complex("complex64", float32)
complex128 = c16 = py_complex = np_complex128 = Complex("complex128", float64)

range_iter32_type = RangeIteratorType(int32)
range_iter64_type = RangeIteratorType(int64)
unsigned_range_iter64_type = RangeIteratorType(uint64)
range_state32_type = RangeType(int32)
range_state64_type = RangeType(int64)
unsigned_range_state64_type = RangeType(uint64)

signed_domain = py_signed_domain = np_signed_domain = frozenset([int8, int16, int32, int64])
unsigned_domain = np_unsigned_domain = frozenset([uint8, uint16, uint32, uint64])
integer_domain = py_integer_domain = np_integer_domain = signed_domain | unsigned_domain
real_domain = py_real_domain = np_real_domain = frozenset([float32, float64])
complex_domain = py_complex_domain = np_complex_domain = frozenset([complex64, complex128])
number_domain = py_number_domain = np_number_domain = real_domain | integer_domain | complex_domain

sizeof_unicode_char = 4
