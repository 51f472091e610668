#include "hasten/compiler/passes/edit.h"

#include <algorithm>

#include "hasten/compiler/ir/fold.h"

namespace hasten::passes {

using namespace ir;

ValueId new_value(Function& function, Op op, TypeRef type, std::vector<ValueId> args, BlockId block) {
  function.values.push_back({op, type, std::move(args), 0, kNone, block});
  return static_cast<ValueId>(function.values.size() - 1);
}

void become_constant(Function& function, ValueId value, const Constant& constant) {
  Instr& instr = function.values[value];
  Constant typed = constant;
  typed.type = instr.type;
  const auto same = [&](const Constant& other) { return identical(other, typed); };
  const auto found = std::find_if(function.constants.begin(), function.constants.end(), same);
  instr.op = Op::kConst;
  instr.args.clear();
  instr.aux = found - function.constants.begin();
  if (found == function.constants.end()) {
    function.constants.push_back(typed);
  }
}

const Constant* constant_of(const Function& function, ValueId value) {
  const Instr& instr = function.values[value];
  return instr.op == Op::kConst ? &function.constants[static_cast<size_t>(instr.aux)] : nullptr;
}

bool is_int(const Function& function, ValueId value, int64_t* out) {
  const Constant* constant = constant_of(function, value);
  if (constant == nullptr || !is_integer(constant->type)) {
    return false;
  }
  *out = constant->i;
  return true;
}

size_t phi_count(const Function& function, const std::vector<ValueId>& instrs) {
  const auto is_phi = [&](ValueId v) { return function.values[v].op == Op::kPhi; };
  return static_cast<size_t>(std::find_if_not(instrs.begin(), instrs.end(), is_phi) - instrs.begin());
}

size_t pred_index(const Function& function, BlockId from, size_t edge) {
  const auto& succs = function.blocks[from].succs;
  auto twins = std::count(succs.begin(), succs.begin() + static_cast<std::ptrdiff_t>(edge), succs[edge]); // earlier edges to the same block
  const auto& preds = function.blocks[succs[edge]].preds;
  size_t position = 0;
  while (preds[position] != from || twins-- > 0) {
    ++position;
  }
  return position;
}

BlockId split_edge(Function& function, BlockId from, size_t edge) {
  const auto middle = static_cast<BlockId>(function.blocks.size());
  const BlockId to = function.blocks[from].succs[edge];
  const size_t position = pred_index(function, from, edge);
  function.blocks.emplace_back();
  const ValueId branch = new_value(function, Op::kBr, none_type(), {}, middle);
  function.blocks[middle] = {{branch}, {from}, {to}};
  function.blocks[from].succs[edge] = middle;
  function.blocks[to].preds[position] = middle;
  return middle;
}

void remove_pred(Function& function, BlockId block, size_t position) {
  auto& preds = function.blocks[block].preds;
  preds.erase(preds.begin() + static_cast<std::ptrdiff_t>(position));
  for (ValueId value : function.blocks[block].instrs) {
    Instr& instr = function.values[value];
    if (instr.op != Op::kPhi) {
      return;
    }
    instr.args.erase(instr.args.begin() + static_cast<std::ptrdiff_t>(position));
  }
}

void Replacements::replace(ValueId value, ValueId by) {
  by_[value] = by + 1;
  any_ = true;
}

ValueId Replacements::find(ValueId value) const {
  while (value < by_.size() && by_[value] != 0) {
    value = by_[value] - 1;
  }
  return value;
}

void Replacements::rewrite(Instr& instr) const {
  for (ValueId& arg : instr.args) {
    arg = find(arg);
  }
}

void Replacements::apply(Function& function) const {
  if (!any_) {
    return;
  }
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      rewrite(function.values[value]);
    }
  }
  erase_instrs(function, [&](ValueId value) { return value < by_.size() && by_[value] != 0; });
}

} // namespace hasten::passes
