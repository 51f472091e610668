#include "hasten/compiler/passes/shapes.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {

using namespace ir;

bool may_fail(const Function& function) {
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      if (may_raise(function.values[value].op)) {
        return true;
      }
    }
  }
  return false;
}

bool is_nonnegative(const Function& function, ValueId value, int depth) {
  const Instr& instr = function.values[value];
  int64_t number = 0;
  const auto both = [&](size_t i, size_t j) {
    return is_nonnegative(function, instr.args[i], depth - 1) && is_nonnegative(function, instr.args[j], depth - 1);
  };
  switch (depth > 0 ? instr.op : Op::kUndef) {
  case Op::kConst:
    return is_int(function, value, &number) && number >= 0;
  case Op::kDim:
  case Op::kCheckIndex:
    return true;
  case Op::kMax:
    return is_nonnegative(function, instr.args[0], depth - 1) || is_nonnegative(function, instr.args[1], depth - 1);
  case Op::kMin:
  case Op::kFloorDiv:
  case Op::kTruncDiv:
    return both(0, 1);
  case Op::kFloorMod: // the sign of the divisor
    return is_nonnegative(function, instr.args[1], depth - 1);
  case Op::kSelect:
    return both(1, 2);
  case Op::kCast: {
    TypeRef from = function.values[instr.args[0]].type;
    if (!is_integer(from) || from->bits > instr.type->bits) {
      return false;
    }
    return from->is_signed ? is_nonnegative(function, instr.args[0], depth - 1) : from->bits < instr.type->bits;
  }
  default:
    return false;
  }
}

Shapes::Id Shapes::shape_of(ValueId array) {
  if (known_.size() <= array) {
    known_.resize(function_.values.size());
  }
  if (known_[array] == 0) {
    const Id id = compute(array);
    known_[array] = id + 1;
  }
  return known_[array] - 1;
}

Shapes::Id Shapes::compute(ValueId array) {
  const Instr& instr = function_.values[array];
  const auto axes = static_cast<std::ptrdiff_t>(instr.type->ndim);
  if (axes == 0) {
    return intern({});
  }
  switch (instr.op) {
  case Op::kEwise:
    return broadcast(instr.args, 0);
  case Op::kRelabel:
    return shape_of(instr.args[0]);
  case Op::kAlloc:
    return explicit_shape(instr.args);
  case Op::kEwiseShaped:
    return explicit_shape({instr.args.begin(), instr.args.begin() + axes});
  case Op::kView:
    return explicit_shape({instr.args.begin() + 2, instr.args.begin() + 2 + axes});
  default:
    return intern({leaf({array})});
  }
}

Shapes::Id Shapes::broadcast(const std::vector<ValueId>& operands, size_t first) {
  Leaves all;
  for (size_t i = first; i < operands.size(); ++i) {
    if (is_array(function_.values[operands[i]].type)) {
      const Leaves& leaves = shapes_[shape_of(operands[i])];
      all.insert(all.end(), leaves.begin(), leaves.end());
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return intern(std::move(all));
}

// The sizes of another array, all of them in order, are that array's shape.
Shapes::Id Shapes::explicit_shape(const std::vector<ValueId>& sizes) {
  const Instr* first = sizes.empty() ? nullptr : &function_.values[sizes[0]];
  if (first != nullptr && first->op == Op::kDim && function_.values[first->args[0]].type->ndim == sizes.size()) {
    const ValueId array = first->args[0];
    bool all = true;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      const Instr& size = function_.values[sizes[axis]];
      all = all && size.op == Op::kDim && size.args[0] == array && size.aux == static_cast<int64_t>(axis);
    }
    if (all) {
      return shape_of(array);
    }
  }
  std::vector<ValueId> key(sizes);
  key.push_back(kNone); // apart from the leaf of a lone array
  return intern({leaf(key)});
}

uint32_t Shapes::leaf(const std::vector<ValueId>& key) {
  return leaves_.try_emplace(key, static_cast<uint32_t>(leaves_.size())).first->second;
}

Shapes::Id Shapes::intern(Leaves leaves) {
  const auto [found, is_new] = ids_.try_emplace(std::move(leaves), static_cast<Id>(shapes_.size()));
  if (is_new) {
    shapes_.push_back(found->first);
  }
  return found->second;
}

bool Shapes::fits(Id shape, Id into) const { return shape == into || shapes_[shape].empty(); }

bool Shapes::may_fail(const Instr& instr) {
  const auto kernel_fails = [&] {
    const size_t kernel = kernel_index(instr);
    kernel_known_.resize(module_.functions.size());
    kernel_fails_.resize(module_.functions.size());
    if (!kernel_known_[kernel]) {
      kernel_known_[kernel] = true;
      kernel_fails_[kernel] = passes::may_fail(module_.functions[kernel]);
    }
    return kernel_fails_[kernel];
  };
  // Sizes disagree, unless one operand, which exists, has the broadcast's shape already.
  const auto broadcast_fails = [&] {
    const Id whole = broadcast(instr.args, 0);
    return !shapes_[whole].empty() && std::none_of(instr.args.begin(), instr.args.end(), [&](ValueId arg) {
      return is_array(function_.values[arg].type) && shape_of(arg) == whole;
    });
  };
  switch (instr.op) {
  case Op::kAlloc:
    return !std::all_of(instr.args.begin(), instr.args.end(), [&](ValueId size) { return is_nonnegative(function_, size); });
  case Op::kEwise:
    return kernel_fails() || broadcast_fails();
  case Op::kEwiseReduce:
    return kernel_fails() || broadcast_fails() || (instr.aux >> 32) == kReduceMin || (instr.aux >> 32) == kReduceMax;
  case Op::kEwiseShaped: {
    const std::vector<ValueId> shape(instr.args.begin(), instr.args.begin() + instr.type->ndim);
    const bool sizes = std::all_of(shape.begin(), shape.end(), [&](ValueId size) { return is_nonnegative(function_, size); });
    return !sizes || kernel_fails() || !fits(broadcast(instr.args, shape.size()), explicit_shape(shape));
  }
  case Op::kEwiseInto:
    return kernel_fails() || !fits(broadcast(instr.args, 1), shape_of(instr.args[0]));
  default:
    return may_raise(instr.op);
  }
}

} // namespace hasten::passes
