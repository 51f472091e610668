// NumPy's dtypes that compiled code knows, and NumPy 2's promotion between them (NEP 50).
#pragma once

#include <cstdint>
#include <string_view>

#include "hasten/abi/array_view.h"

namespace hasten::array {

using DType = abi::TypeNum;

// The order of kinds is NumPy's order of promotion.
enum class DTypeKind : uint8_t { kBool, kUnsigned, kSigned, kFloat, kComplex, kTimedelta, kDatetime };

DTypeKind kind_of(DType);
int item_bytes(DType);
// NumPy's name: "float64".
std::string_view name_of(DType);
// False where the name is no dtype's.
bool dtype_from_name(std::string_view name, DType* out);

// The dtype of an operation on an `a` and a `b` (numpy.promote_types). Defined for all pairs of bool, integers, floats, complex.
DType promote(DType a, DType b);

// The dtype of an operation on an array or NumPy scalar `strong` and a Python scalar of `weak_kind` (kBool, kSigned, kFloat, kComplex).
DType promote_weak(DType strong, DTypeKind weak_kind);

// Whether NumPy's casting rules "safe" and "same_kind" allow from → to.
bool can_cast_safe(DType from, DType to);
bool can_cast_same_kind(DType from, DType to);

} // namespace hasten::array
