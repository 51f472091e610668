// What an op gives on constants, where the answer is exact and does not depend on the machine.
#pragma once

#include <optional>
#include <span>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

// Scalars in, a scalar of `type` out; null where the op is not to be folded on these values (or raises).
std::optional<Constant> fold(Op op, TypeRef type, std::span<const Constant> args);

// Whether the two are the same bits of the same type: 0.0 is not -0.0, and a NaN is itself.
bool identical(const Constant& a, const Constant& b);

} // namespace hasten::ir
