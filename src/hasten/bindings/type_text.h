// Types as numba's users write them: "float64[:, ::1]", "Tuple((int64, f8))", "UniTuple(i4, 3)", "optional(int64)", "array(float64, 2d,
// C)".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hasten/compiler/ir/type.h"

namespace hasten::bindings {

// A type as the types of hasten.numba are made of it: display's text, but namedtuples are "namedtuple(<handle>, float64, int64)".
std::string spelling_of(ir::TypeRef type);

// Null where the text names no type of compiled code. Any thread.
ir::TypeRef parse_type_text(std::string_view text);

// "float64(int32, float64[:])", or only "(int32, float64[:])" or "int32, float64[:]", which leave the result open (null).
struct Signature {
  ir::TypeRef result = nullptr;
  std::vector<ir::TypeRef> arguments;
};
// Throws Diagnostic, naming what was not understood.
Signature parse_signature_text(std::string_view text);

} // namespace hasten::bindings
