#include "hasten/array/dtype.h"

#include <array>

namespace hasten::array {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  DTypeKind kind;
  int bytes;
};

constexpr std::array<Row, 16> kRows{{
    {DType::kBool, "bool", DTypeKind::kBool, 1},
    {DType::kInt8, "int8", DTypeKind::kSigned, 1},
    {DType::kUInt8, "uint8", DTypeKind::kUnsigned, 1},
    {DType::kInt16, "int16", DTypeKind::kSigned, 2},
    {DType::kUInt16, "uint16", DTypeKind::kUnsigned, 2},
    {DType::kInt32, "int32", DTypeKind::kSigned, 4},
    {DType::kUInt32, "uint32", DTypeKind::kUnsigned, 4},
    {DType::kInt64, "int64", DTypeKind::kSigned, 8},
    {DType::kUInt64, "uint64", DTypeKind::kUnsigned, 8},
    {DType::kFloat32, "float32", DTypeKind::kFloat, 4},
    {DType::kFloat64, "float64", DTypeKind::kFloat, 8},
    {DType::kComplex64, "complex64", DTypeKind::kComplex, 8},
    {DType::kComplex128, "complex128", DTypeKind::kComplex, 16},
    {DType::kDatetime64, "datetime64", DTypeKind::kDatetime, 8},
    {DType::kTimedelta64, "timedelta64", DTypeKind::kTimedelta, 8},
    {DType::kFloat16, "float16", DTypeKind::kFloat, 2},
}};

const Row& row(DType dtype) {
  for (const Row& r : kRows) {
    if (r.dtype == dtype) {
      return r;
    }
  }
  return kRows[0];
}

DType of(DTypeKind kind, int bytes) {
  for (const Row& r : kRows) {
    if (r.kind == kind && r.bytes == bytes) {
      return r.dtype;
    }
  }
  return DType::kFloat64;
}

bool is_integer(DTypeKind kind) { return kind == DTypeKind::kSigned || kind == DTypeKind::kUnsigned; }

// The smallest float that holds every value of the integer, as NumPy counts it.
int float_bytes_for(const Row& integer) {
  if (integer.kind == DTypeKind::kBool || integer.bytes == 1) {
    return 2;
  }
  return integer.bytes == 2 ? 4 : 8;
}

int float_bytes_of(const Row& r) {
  if (r.kind == DTypeKind::kFloat) {
    return r.bytes;
  }
  return r.kind == DTypeKind::kComplex ? r.bytes / 2 : float_bytes_for(r);
}

DType promote_integers(const Row& a, const Row& b) {
  if (a.kind == b.kind) {
    return of(a.kind, a.bytes > b.bytes ? a.bytes : b.bytes);
  }
  const Row& s = a.kind == DTypeKind::kSigned ? a : b;
  const Row& u = a.kind == DTypeKind::kSigned ? b : a;
  if (s.bytes > u.bytes) {
    return s.dtype;
  }
  return u.bytes == 8 ? DType::kFloat64 : of(DTypeKind::kSigned, u.bytes * 2);
}

} // namespace

DTypeKind kind_of(DType dtype) { return row(dtype).kind; }
int item_bytes(DType dtype) { return row(dtype).bytes; }
std::string_view name_of(DType dtype) { return row(dtype).name; }

bool dtype_from_name(std::string_view name, DType* out) {
  for (const Row& r : kRows) {
    if (r.name == name) {
      *out = r.dtype;
      return true;
    }
  }
  return false;
}

DType promote(DType a, DType b) {
  if (a == b) {
    return a;
  }
  const Row& x = row(a);
  const Row& y = row(b);
  if (x.kind == DTypeKind::kBool) {
    return b;
  }
  if (y.kind == DTypeKind::kBool) {
    return a;
  }
  if (is_integer(x.kind) && is_integer(y.kind)) {
    return promote_integers(x, y);
  }
  const int bytes = float_bytes_of(x) > float_bytes_of(y) ? float_bytes_of(x) : float_bytes_of(y);
  if (x.kind == DTypeKind::kComplex || y.kind == DTypeKind::kComplex) {
    return of(DTypeKind::kComplex, bytes < 4 ? 8 : 2 * bytes);
  }
  return of(DTypeKind::kFloat, bytes);
}

DType promote_weak(DType strong, DTypeKind weak_kind) {
  const Row& s = row(strong);
  switch (weak_kind) {
  case DTypeKind::kBool:
    return promote(strong, DType::kBool);
  case DTypeKind::kSigned:
    return s.kind == DTypeKind::kBool ? DType::kInt64 : strong;
  case DTypeKind::kFloat:
    return s.kind == DTypeKind::kFloat || s.kind == DTypeKind::kComplex ? strong : DType::kFloat64;
  default:
    if (s.kind == DTypeKind::kComplex) {
      return strong;
    }
    return s.kind == DTypeKind::kFloat && s.bytes < 8 ? DType::kComplex64 : DType::kComplex128;
  }
}

bool can_cast_safe(DType from, DType to) { return promote(from, to) == to; }

bool can_cast_same_kind(DType from, DType to) {
  const DTypeKind f = kind_of(from);
  const DTypeKind t = kind_of(to);
  if (can_cast_safe(from, to)) {
    return true;
  }
  return f == t || (f == DTypeKind::kUnsigned && t == DTypeKind::kSigned) || (f == DTypeKind::kFloat && t == DTypeKind::kComplex);
}

} // namespace hasten::array
