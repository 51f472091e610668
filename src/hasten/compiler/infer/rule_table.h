// The library functions that compiled code knows, one table a file. Adding one: docs/adding-an-op.md.
#pragma once

#include <span>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

struct RuleEntry {
  std::string_view name; // "numpy.zeros", "math.sqrt"; methods and attributes of arrays: "array.sum"
  Rule rule;
};

std::span<const RuleEntry> builtin_rules();
std::span<const RuleEntry> channel_rules();
std::span<const RuleEntry> slice_rules();
std::span<const RuleEntry> math_rules();
std::span<const RuleEntry> numpy_create_rules();
std::span<const RuleEntry> numpy_ufunc_rules();
std::span<const RuleEntry> numpy_reduce_rules();
std::span<const RuleEntry> numpy_shape_rules();
std::span<const RuleEntry> numpy_random_rules();
std::span<const RuleEntry> numpy_linalg_rules();
std::span<const RuleEntry> mpi_rules();

} // namespace hasten::infer
