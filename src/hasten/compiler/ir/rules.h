// Facts about ops and types that the printer, the parser, the verifier and the passes share.
#pragma once

#include <array>
#include <string_view>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

// What Instr::aux means for an op.
enum class Aux : uint8_t {
  kNone,      // nothing; it is 0
  kConstant,  // index into Function::constants
  kNumber,    // a position, an axis, a flag
  kFunction,  // index into Module::functions
  kReduce,    // the same, and the kind of reduction in the upper half
  kSymbol,    // index into Module::symbols
  kSite,      // index into Module::sites
  kIntrinsic, // ir::Intrinsic
};

Aux aux_of(Op);
// Whether the op produces a value that other ops may use.
bool has_value(Op);
inline bool is_control(Op op) { return (info(op).effects & kControl) != 0; }

// Kernel, and kind of reduction, of EwiseReduce.
inline size_t kernel_index(const Instr& instr) { return static_cast<size_t>(instr.aux & 0xffffffff); }
inline int64_t with_kernel(int64_t aux, size_t kernel) { return (aux & ~int64_t{0xffffffff}) | static_cast<int64_t>(kernel); }

struct IntrinsicInfo {
  std::string_view name;
  int operands;
  bool on_integers; // else on floats
  bool gives_bool;
};
constexpr int kIntrinsicCount = static_cast<int>(Intrinsic::kIsFinite) + 1;
const IntrinsicInfo& info(Intrinsic);

constexpr int kReduceKinds = 7; // of abi::ReduceKind
constexpr int64_t kReduceMin = 2;
constexpr int64_t kReduceMax = 3;
std::string_view reduce_name(int64_t kind);

// Whether values of the two types are the same bits with the same meaning: types that differ in weakness only.
bool same_representation(TypeRef a, TypeRef b);

// The values inside an aggregate: of a tuple, slice, sequence and format its items, of an optional {bool, value}, of a range three int64.
bool is_aggregate(TypeRef type);
size_t part_count(TypeRef aggregate);
TypeRef part(TypeRef aggregate, size_t index);

} // namespace hasten::ir
