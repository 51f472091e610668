// What the class of a Python value says about its type: one look into a small table, for the hot path of every call.
#pragma once

#include <Python.h>

#include <array>
#include <cstdint>

#include "hasten/array/dtype.h"

namespace hasten::bindings {

enum class ClassShape : uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kComplex,
  kStr,
  kEllipsis,
  kTuple,
  kSlice,
  kRange,
  kScalar,   // NumPy's numbers
  kDatetime, // datetime64, timedelta64: the value has a unit
  kArray,
  kObject, // known by identity: functions, modules, classes
};

struct ClassRow {
  PyTypeObject* type = nullptr;
  ClassShape shape{};
  uint8_t id = 0; // 1..31 for those whose type is the class's alone: scalars, None, str
  array::DType dtype{};
};

// An open hash by the class's address. Changed only under the GIL.
class ClassTable {
public:
  ClassTable();
  // Adds NumPy's classes if the program has NumPy; true where they are new.
  bool add_numpy();

  const ClassRow* find(PyTypeObject* type) const {
    size_t slot = start(type);
    while (rows_[slot].type != type) {
      if (rows_[slot].type == nullptr) {
        return nullptr;
      }
      slot = (slot + 1) % kSlots;
    }
    return &rows_[slot];
  }

private:
  static constexpr size_t kSlots = 128;

  static size_t start(PyTypeObject* type) {
    return static_cast<size_t>((reinterpret_cast<uintptr_t>(type) >> 4) * 0x9E3779B97F4A7C15ULL >> 57);
  }
  void add(PyTypeObject* type, ClassShape shape, uint8_t id = 0, array::DType dtype = {});

  std::array<ClassRow, kSlots> rows_{};
  bool has_numpy_ = false;
};

// Of this process; ready when the module is loaded.
extern ClassTable class_table;

// The dtypes behind NumPy's type numbers; -1 where compiled code doesn't know them. long long (9, 10) is int64.
constexpr std::array<int8_t, 24> kKnownDTypes{0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 8, 11, 12, -1, 14, 15, -1, -1, -1, -1, -1, 21, 22, 23};
inline bool dtype_of_type_num(int type_num, array::DType* out) {
  const int known = type_num >= 0 && type_num < static_cast<int>(kKnownDTypes.size()) ? kKnownDTypes[static_cast<size_t>(type_num)] : -1;
  *out = static_cast<array::DType>(known);
  return known >= 0;
}

// The ids of Python's own classes, and of ints that need 64 bits without a sign.
constexpr uint8_t kNoneId = 1;
constexpr uint8_t kBoolId = 2;
constexpr uint8_t kIntId = 3;
constexpr uint8_t kUInt64Id = 4;
constexpr uint8_t kFloatId = 5;
constexpr uint8_t kComplexId = 6;
constexpr uint8_t kStrId = 7;
constexpr uint8_t kEllipsisId = 8;
constexpr uint8_t kFirstScalarId = 9;

enum class IntWidth : uint8_t { kInt64, kUInt64, kLarger };
// How wide an int (or an instance of a subclass) is.
IntWidth width_of(PyObject* integer);

// A member of an enum.IntEnum or IntFlag.
bool is_int_enum(PyObject* value);

} // namespace hasten::bindings
