// From syntax to typed IR: builds SSA form, infers types over it by a sparse conditional worklist, and emits typed ops.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hasten/compiler/infer/host.h"

namespace hasten::infer {

struct Inferred {
  ir::Module module;                                    // function 0: the requested one
  std::vector<std::pair<Handle, std::string>> captured; // names whose values are part of the code
  std::vector<Handle> callees;
};

// Throws base::Diagnostic. `result`: the declared result type, or null.
Inferred infer(Host& host, Handle function, const std::vector<ir::TypeRef>& arguments, const Options& options, ir::TypeRef result);

// The library functions that compiled code knows, by their canonical names: "numpy.sin", "math.sqrt", "builtins.len".
std::vector<std::string> library_functions();

} // namespace hasten::infer
