#include "hasten/bindings/scalar_boxing.h"

#include <bit>
#include <cmath>

#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/numpy_bridge.h"

namespace hasten::bindings {
namespace {

using array::DType;
using infer::Dialect;

constexpr double kHalfOverflow = 65520.0; // from here on a float16 rounds to infinity

uint64_t half_bits(double value) {
  unsigned char bytes[2];
  if (std::abs(value) >= kHalfOverflow) {
    return value < 0 ? 0xfc00 : 0x7c00;
  }
  PyFloat_Pack2(value, reinterpret_cast<char*>(bytes), 1);
  return static_cast<uint64_t>(bytes[0] | bytes[1] << 8);
}

double half_value(uint64_t bits) {
  const char bytes[2] = {static_cast<char>(bits & 0xff), static_cast<char>(bits >> 8 & 0xff)};
  return PyFloat_Unpack2(bytes, 1);
}

uint64_t float_bits(double value, int bits) {
  if (bits == 64) {
    return std::bit_cast<uint64_t>(value);
  }
  return bits == 32 ? std::bit_cast<uint32_t>(static_cast<float>(value)) : half_bits(value);
}

double float_value(uint64_t slot, int bits) {
  if (bits == 64) {
    return std::bit_cast<double>(slot);
  }
  return bits == 32 ? std::bit_cast<float>(static_cast<uint32_t>(slot)) : half_value(slot);
}

// The low `bits` of the value, extended to 64 as the type says.
uint64_t extended(uint64_t value, ir::TypeRef type) {
  const int unused = 64 - type->bits;
  if (type->is_signed) {
    return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
  }
  return value << unused >> unused;
}

bool out_of_range(PyObject* value, ir::TypeRef type) {
  PyErr_Format(PyExc_OverflowError, "the integer %R is out of range for %s", value, ir::display(type).c_str());
  return false;
}

// C's conversion where it is defined; out of range what x86 gives.
uint64_t truncated(double value) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (value >= kTwoTo63 && value < 2 * kTwoTo63) {
    return static_cast<uint64_t>(value);
  }
  return value >= -kTwoTo63 && value < kTwoTo63 ? static_cast<uint64_t>(static_cast<int64_t>(value)) : uint64_t{1} << 63;
}

bool unbox_python_int(PyObject* value, ir::TypeRef type, Dialect dialect, uint64_t* slot) {
  int overflow = 0;
  const long long narrow = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow == 0) {
    *slot = extended(static_cast<uint64_t>(narrow), type);
    const bool has_sign_for = type->is_signed || narrow >= 0;
    const bool fits = *slot == static_cast<uint64_t>(narrow) || dialect == Dialect::kNumba; // numba cuts off upper bits, but no sign
    return (fits && has_sign_for) || out_of_range(value, type);
  }
  if (overflow < 0 || type->is_signed || type->bits < 64) {
    return out_of_range(value, type);
  }
  *slot = PyLong_AsUnsignedLongLong(value);
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return out_of_range(value, type);
  }
  return true;
}

bool unbox_int(PyObject* value, ir::TypeRef type, Dialect dialect, uint64_t* slot) {
  if (PyLong_Check(value)) {
    return unbox_python_int(value, type, dialect, slot);
  }
  if (has_numpy() && PyArray_IsScalar(value, Bool)) {
    *slot = value == PyArrayScalar_True ? 1 : 0;
    return true;
  }
  if (PyFloat_Check(value) || (has_numpy() && PyArray_IsScalar(value, Floating))) { // only where a signature was declared
    const double number = PyFloat_AsDouble(value);
    *slot = extended(truncated(number), type);
    return number != -1.0 || PyErr_Occurred() == nullptr;
  }
  PyObject* number = PyNumber_Index(value);
  if (number == nullptr) {
    return false;
  }
  const bool done = unbox_python_int(number, type, dialect, slot);
  Py_DECREF(number);
  return done;
}

bool unbox_bool(PyObject* value, uint64_t* slot) {
  if (PyBool_Check(value)) {
    *slot = value == Py_True ? 1 : 0;
    return true;
  }
  const int truth = PyObject_IsTrue(value);
  *slot = truth == 1 ? 1 : 0;
  return truth >= 0;
}

bool unbox_float(PyObject* value, ir::TypeRef type, uint64_t* slot) {
  if (type->bits == 16 && has_numpy() && PyArray_IsScalar(value, Half)) { // keeps the payload of a NaN
    *slot = PyArrayScalar_VAL(value, Half);
    return true;
  }
  if (type->bits == 32 && has_numpy() && PyArray_IsScalar(value, Float)) {
    *slot = std::bit_cast<uint32_t>(PyArrayScalar_VAL(value, Float));
    return true;
  }
  const double number = PyFloat_AsDouble(value);
  *slot = float_bits(number, type->bits);
  return number != -1.0 || PyErr_Occurred() == nullptr;
}

bool unbox_complex(PyObject* value, ir::TypeRef type, uint64_t* slots) {
  const Py_complex number = PyComplex_AsCComplex(value);
  slots[0] = float_bits(number.real, type->bits / 2);
  slots[1] = float_bits(number.imag, type->bits / 2);
  return number.real != -1.0 || PyErr_Occurred() == nullptr;
}

bool unbox_date(PyObject* value, ir::TypeRef type, uint64_t* slot) {
  const bool is_date = has_numpy() && PyArray_IsScalar(value, Datetime);
  const bool is_delta = has_numpy() && PyArray_IsScalar(value, Timedelta);
  if (!(type->dtype == DType::kDatetime64 ? is_date : is_delta)) {
    PyErr_Format(PyExc_TypeError, "%s expected, not %s", ir::display(type).c_str(), Py_TYPE(value)->tp_name);
    return false;
  }
  *slot = static_cast<uint64_t>(is_date ? PyArrayScalar_VAL(value, Datetime) : PyArrayScalar_VAL(value, Timedelta));
  return true;
}

// NumPy's scalar objects hold their value behind the header.
template <typename Object, typename Value> PyObject* numpy_scalar(PyTypeObject& type, Value value) {
  PyObject* scalar = type.tp_alloc(&type, 0);
  if (scalar != nullptr) {
    reinterpret_cast<Object*>(scalar)->obval = value;
  }
  return scalar;
}

PyObject* box_date(ir::TypeRef type, uint64_t slot) {
  PyArray_Descr* descriptor = make_descriptor(type);
  if (descriptor == nullptr) {
    return nullptr;
  }
  PyObject* scalar = PyArray_Scalar(&slot, descriptor, nullptr);
  Py_DECREF(descriptor);
  return scalar;
}

PyObject* box_numpy_complex(ir::TypeRef type, const uint64_t* slots) {
  const double real = float_value(slots[0], type->bits / 2);
  const double imag = float_value(slots[1], type->bits / 2);
  if (type->bits == 64) {
    return numpy_scalar<PyCFloatScalarObject>(PyCFloatArrType_Type, npy_cpackf(static_cast<float>(real), static_cast<float>(imag)));
  }
  return numpy_scalar<PyCDoubleScalarObject>(PyCDoubleArrType_Type, npy_cpack(real, imag));
}

PyObject* box_numpy(ir::TypeRef type, const uint64_t* slots) {
  const uint64_t bits = slots[0];
  switch (type->dtype) {
  case DType::kBool:
    return Py_NewRef(PyArrayScalar_FromLong(bits));
  case DType::kInt8:
    return numpy_scalar<PyByteScalarObject>(PyByteArrType_Type, static_cast<int8_t>(bits));
  case DType::kUInt8:
    return numpy_scalar<PyUByteScalarObject>(PyUByteArrType_Type, static_cast<uint8_t>(bits));
  case DType::kInt16:
    return numpy_scalar<PyShortScalarObject>(PyShortArrType_Type, static_cast<int16_t>(bits));
  case DType::kUInt16:
    return numpy_scalar<PyUShortScalarObject>(PyUShortArrType_Type, static_cast<uint16_t>(bits));
  case DType::kInt32:
    return numpy_scalar<PyIntScalarObject>(PyIntArrType_Type, static_cast<int32_t>(bits));
  case DType::kUInt32:
    return numpy_scalar<PyUIntScalarObject>(PyUIntArrType_Type, static_cast<uint32_t>(bits));
  case DType::kInt64:
    return numpy_scalar<PyLongScalarObject>(PyLongArrType_Type, static_cast<int64_t>(bits));
  case DType::kUInt64:
    return numpy_scalar<PyULongScalarObject>(PyULongArrType_Type, bits);
  case DType::kFloat16:
    return numpy_scalar<PyHalfScalarObject>(PyHalfArrType_Type, static_cast<npy_half>(bits));
  case DType::kFloat32:
    return numpy_scalar<PyFloatScalarObject>(PyFloatArrType_Type, std::bit_cast<float>(static_cast<uint32_t>(bits)));
  case DType::kFloat64:
    return numpy_scalar<PyDoubleScalarObject>(PyDoubleArrType_Type, std::bit_cast<double>(bits));
  default:
    return box_numpy_complex(type, slots);
  }
}

PyObject* box_python(ir::TypeRef type, const uint64_t* slots) {
  switch (type->kind) {
  case ir::Kind::kBool:
    return Py_NewRef(slots[0] != 0 ? Py_True : Py_False);
  case ir::Kind::kInt:
    return type->is_signed ? PyLong_FromLongLong(static_cast<int64_t>(slots[0])) : PyLong_FromUnsignedLongLong(slots[0]);
  case ir::Kind::kFloat:
    return PyFloat_FromDouble(float_value(slots[0], type->bits));
  default:
    return PyComplex_FromDoubles(float_value(slots[0], type->bits / 2), float_value(slots[1], type->bits / 2));
  }
}

} // namespace

bool unbox_scalar(PyObject* value, ir::TypeRef type, Dialect dialect, uint64_t* slots) {
  switch (type->kind) {
  case ir::Kind::kBool:
    return unbox_bool(value, slots);
  case ir::Kind::kInt:
    return unbox_int(value, type, dialect, slots);
  case ir::Kind::kFloat:
    return unbox_float(value, type, slots);
  case ir::Kind::kComplex:
    return unbox_complex(value, type, slots);
  default:
    return unbox_date(value, type, slots);
  }
}

PyObject* box_scalar(ir::TypeRef type, Dialect dialect, const uint64_t* slots) {
  const bool is_date = type->kind == ir::Kind::kDatetime;
  if (!is_date && (type->weak || dialect == Dialect::kNumba)) {
    return box_python(type, slots);
  }
  import_numpy();
  return is_date ? box_date(type, slots[0]) : box_numpy(type, slots);
}

} // namespace hasten::bindings
