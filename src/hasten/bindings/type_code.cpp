// The hot path of every call: what kind of argument is this? See type_of.h.
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/type_of.h"

namespace hasten::bindings {
namespace {

// The low byte of a code.
enum Tag : uint64_t { kScalarTag = 1, kArrayTag, kDatetimeTag, kTupleTag, kSliceTag, kObjectTag, kNamedTupleTag, kChannelTag };

constexpr int kIdBits = 5;
constexpr Py_ssize_t kMostItems = 10; // of a tuple that has a code

uint8_t int_id(PyObject* value) {
#if PY_VERSION_HEX >= 0x030C0000
  const bool is_short = PyUnstable_Long_IsCompact(reinterpret_cast<PyLongObject*>(value)) != 0;
#else
  const Py_ssize_t digits = Py_SIZE(value); // of 30 bits, negative for negative numbers
  const bool is_short = digits <= 2 && digits >= -2;
#endif
  if (is_short) [[likely]] {
    return kIntId;
  }
  switch (width_of(value)) {
  case IntWidth::kInt64:
    return kIntId;
  case IntWidth::kUInt64:
    return kUInt64Id;
  default:
    return 0;
  }
}

// 0 where the value isn't a scalar.
uint8_t scalar_id(PyObject* value) {
  const ClassRow* row = class_table.find(Py_TYPE(value));
  return row == nullptr ? 0 : row->shape == ClassShape::kInt ? int_id(value) : row->id;
}

// Unit and multiple of a datetime, in the upper half; all ones where they don't fit.
uint64_t unit_bits(const PyArray_DatetimeMetaData& unit) {
  constexpr uint64_t kTooLarge = ~uint64_t{0};
  return unit.num >= 1 << 26 ? kTooLarge : (static_cast<uint64_t>(unit.base) << 26 | static_cast<uint64_t>(unit.num)) << 32;
}

uint64_t array_code(PyObject* value) {
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  PyArray_Descr* descr = PyArray_DESCR(array);
  array::DType dtype{};
  if (!dtype_of_type_num(descr->type_num, &dtype) || !PyDataType_ISNOTSWAPPED(descr)) {
    return 0;
  }
  const int flags = PyArray_FLAGS(array);
  if ((flags & NPY_ARRAY_ALIGNED) == 0) {
    return 0;
  }
  const uint64_t layout = (flags & NPY_ARRAY_C_CONTIGUOUS) != 0 ? 0 : (flags & NPY_ARRAY_F_CONTIGUOUS) != 0 ? 1 : 2;
  const uint64_t readonly = (flags & NPY_ARRAY_WRITEABLE) != 0 ? 0 : 1;
  uint64_t code =
      kArrayTag | static_cast<uint64_t>(dtype) << 8 | static_cast<uint64_t>(PyArray_NDIM(array)) << 16 | layout << 24 | readonly << 26;
  if (dtype == array::DType::kDatetime64 || dtype == array::DType::kTimedelta64) {
    const uint64_t unit = unit_bits(reinterpret_cast<PyArray_DatetimeDTypeMetaData*>(PyDataType_C_METADATA(descr))->meta);
    return ~unit == 0 ? 0 : code | unit;
  }
  return code;
}

uint64_t datetime_code(PyObject* value, array::DType dtype) {
  const uint64_t unit = unit_bits(reinterpret_cast<PyDatetimeScalarObject*>(value)->obmeta);
  return ~unit == 0 ? 0 : kDatetimeTag | static_cast<uint64_t>(dtype) << 8 | unit;
}

uint64_t tuple_code(PyObject* value, Tag tag, Py_ssize_t most_items) {
  const Py_ssize_t size = PyTuple_GET_SIZE(value);
  if (size > most_items) {
    return 0;
  }
  uint64_t code = tag | static_cast<uint64_t>(size) << 8;
  for (Py_ssize_t i = 0; i < size; ++i) {
    const uint64_t id = scalar_id(PyTuple_GET_ITEM(value, i));
    if (id == 0) {
      return 0;
    }
    code |= id << (12 + kIdBits * i);
  }
  return code;
}

// The class's handle stands above the items.
uint64_t named_tuple_code(PyObject* value) {
  constexpr Py_ssize_t kMostNamedItems = 6;
  constexpr int kHandleShift = 12 + kIdBits * kMostNamedItems;
  const uint64_t handle = known_named_tuple_class(Py_TYPE(value));
  const uint64_t code = handle == 0 || handle >> (64 - kHandleShift) != 0 ? 0 : tuple_code(value, kNamedTupleTag, kMostNamedItems);
  return code == 0 ? 0 : code | handle << kHandleShift;
}

uint64_t slice_code(PyObject* value) {
  const auto* slice = reinterpret_cast<const PySliceObject*>(value);
  const uint64_t ids[] = {scalar_id(slice->start), scalar_id(slice->stop), scalar_id(slice->step)};
  if (ids[0] == 0 || ids[1] == 0 || ids[2] == 0) {
    return 0;
  }
  return kSliceTag | ids[0] << 8 | ids[1] << 16 | ids[2] << 24;
}

// type_of keeps such objects for good, so an address never comes to mean another one. Addresses have 48 bits.
uint64_t object_code(PyObject* value) { return kObjectTag | static_cast<uint64_t>(reinterpret_cast<uintptr_t>(value)) << 8; }

} // namespace

uint64_t type_code(PyObject* value) {
  const ClassRow* row = class_table.find(Py_TYPE(value));
  if (row == nullptr) {
    if (is_value_channel(value)) {
      return kChannelTag | code_of_channel(value) << 8;
    }
    return PyTuple_Check(value) ? named_tuple_code(value) : dispatcher_hooks().is_dispatcher(value) ? object_code(value) : 0;
  }
  switch (row->shape) {
  case ClassShape::kArray:
    return array_code(value);
  case ClassShape::kInt: {
    const uint64_t id = int_id(value);
    return id == 0 ? 0 : kScalarTag | id << 8;
  }
  case ClassShape::kTuple:
    return tuple_code(value, kTupleTag, kMostItems);
  case ClassShape::kSlice:
    return slice_code(value);
  case ClassShape::kDatetime:
    return datetime_code(value, row->dtype);
  case ClassShape::kObject:
    return object_code(value);
  case ClassShape::kRange:
    return 0;
  default:
    return kScalarTag | static_cast<uint64_t>(row->id) << 8;
  }
}

} // namespace hasten::bindings
