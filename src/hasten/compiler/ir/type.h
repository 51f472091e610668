// The types of values in compiled code. Types are interned and immutable, so they are compared by pointer; they are never freed.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hasten/array/dtype.h"

namespace hasten::ir {

enum class Kind : uint8_t {
  kBool,
  kInt,
  kFloat,
  kComplex,
  kDatetime, // datetime64 and timedelta64, by dtype; `name` is the unit
  kNone,
  kTuple,    // items; heterogeneous or not; name: of a namedtuple's class, else empty
  kArray,    // elem, ndim, layout, readonly
  kOptional, // elem or None
  kRange,    // of int64
  kSlice,    // a slice object: start, stop, step, each None or an int (items)
  kString,   // a Python str
  kEllipsis,
  kNamed,     // a value without run-time content, known by `name`: a module, a function, a dtype class, an exception class …
  kUndefined, // bottom: a value that never came into being
  kSequence,  // an iterable without storage of its own: enumerate, zip, reversed (name) over `items`
  kFormat,    // an f-string or % formatting that only an exception message uses: items are its arguments, name its template
  kObject,    // any Python object
  kUnion,     // a number whose type is known at run time: items are the tag (a pyint) and the members, any of which the tag counts from 0
};

// What a kNamed value is; the first part of its name, before the colon.
//   module:numpy   function:numpy.sin   dtype:float64 (the class)   descriptor:float64 (numpy.dtype's instance)   callable:<handle>
//   exception:<handle>   literal:<text>   host:<handle>   namedtuple:<handle>:Point(x,y)   ufunc:<handle>
// A handle is an index that the Host gave (infer/host.h).

enum class Layout : uint8_t { kC, kF, kAny };

struct Type {
  Kind kind;
  bool weak = false;      // scalars: Python's own (NEP 50); false: NumPy's
  bool is_signed = false; // kInt
  uint8_t bits = 0;       // kInt, kFloat; kComplex: of the whole (64, 128)
  array::DType dtype{};   // scalars with a NumPy dtype
  uint8_t ndim = 0;       // kArray
  Layout layout = Layout::kAny;
  bool readonly = false;
  const Type* elem = nullptr;
  std::vector<const Type*> items{};
  std::string name{};   // kNamed, kFormat, kDatetime, kTuple
  std::string text{};   // canonical spelling; parse_type(text) gives the type back
  bool counted = false; // a value of this type holds blocks (arrays, strings, and tuples with them)
};

using TypeRef = const Type*;

// Scalars. `weak`: Python's bool, int, float, complex; they have the dtypes bool, int64, float64, complex128.
TypeRef scalar_type(array::DType dtype, bool weak = false);
// datetime64 or timedelta64 of a unit: "ns", "25s", "D"; "generic": none.
TypeRef datetime_type(array::DType dtype, std::string_view unit);
TypeRef bool_type(bool weak = true);
TypeRef int_type();   // Python's int (weak int64)
TypeRef float_type(); // Python's float
TypeRef complex_type();
TypeRef intp_type(); // NumPy's int64
TypeRef none_type();
TypeRef undefined_type();
TypeRef object_type();
TypeRef string_type();
TypeRef ellipsis_type();
TypeRef range_type(bool weak = true);
// `name`: of a namedtuple's class, "<handle>:Point(x,y)".
TypeRef tuple_type(std::vector<TypeRef> items, std::string_view name = {});
TypeRef array_type(TypeRef elem, int ndim, Layout layout, bool readonly = false); // elem is made strong
TypeRef optional_type(TypeRef elem);
TypeRef union_type(const std::vector<TypeRef>& members); // at least two different numbers
TypeRef slice_type(TypeRef start, TypeRef stop, TypeRef step);
TypeRef named_type(std::string_view name);
TypeRef sequence_type(std::string_view what, std::vector<TypeRef> items);
TypeRef format_type(std::string_view text_template, std::vector<TypeRef> items);

inline bool is_number(TypeRef t) { return t->kind <= Kind::kComplex; } // bool, int, float, complex
inline bool is_integer(TypeRef t) { return t->kind == Kind::kInt; }
inline bool is_integral(TypeRef t) { return t->kind == Kind::kInt || t->kind == Kind::kBool; }
inline bool is_real(TypeRef t) { return t->kind <= Kind::kFloat; }
inline bool is_float(TypeRef t) { return t->kind == Kind::kFloat; }
inline bool is_complex(TypeRef t) { return t->kind == Kind::kComplex; }
inline bool is_array(TypeRef t) { return t->kind == Kind::kArray; }
inline bool is_union(TypeRef t) { return t->kind == Kind::kUnion; }
inline bool is_tuple(TypeRef t) { return t->kind == Kind::kTuple; }
inline bool is_named(TypeRef t, std::string_view prefix) {
  return t->kind == Kind::kNamed && std::string_view(t->name).substr(0, prefix.size()) == prefix;
}
TypeRef strong(TypeRef scalar); // the NumPy scalar of the same dtype
int item_bytes(TypeRef scalar);
// How many 64-bit slots a value takes at the border (abi/slots.h).
int slot_count(TypeRef);

// For people: "array(float64, 2d, C)", "float" for Python's, "float64" for NumPy's.
std::string display(TypeRef);
// Inverse of Type::text; null where the text is no type's.
TypeRef parse_type(std::string_view text);

} // namespace hasten::ir
