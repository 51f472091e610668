// A value while types are inferred and ops are emitted.
#pragma once

#include <optional>
#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::infer {

// What is known of a value before the program runs. Lives as long as the session.
struct Known {
  std::optional<ir::Constant> scalar;
  std::vector<const Known*> items; // of a tuple; null where an item isn't known
};

// `type` null: nothing is known yet (the bottom of the lattice). `id` is set only while ops are emitted, and only for values with content
// at run time.
struct Value {
  ir::TypeRef type = nullptr;
  ir::ValueId id = ir::kNone;
  const Known* known = nullptr;
};

bool same_known(const Known* a, const Known* b);

} // namespace hasten::infer
