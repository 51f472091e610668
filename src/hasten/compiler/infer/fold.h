// What an op gives on constants, where the answer is exact and the same at run time.
#pragma once

#include <optional>
#include <span>

#include "hasten/compiler/infer/value.h"

namespace hasten::infer {

std::optional<ir::Constant> fold(ir::Op op, ir::TypeRef type, std::span<const Value> args);
std::optional<ir::Constant> fold_cast(const ir::Constant& value, ir::TypeRef to);

} // namespace hasten::infer
