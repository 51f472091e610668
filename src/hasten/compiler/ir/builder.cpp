#include "hasten/compiler/ir/builder.h"

#include <algorithm>

namespace hasten::ir {

BlockId Builder::new_block() {
  function_.blocks.emplace_back();
  return static_cast<BlockId>(function_.blocks.size() - 1);
}

bool Builder::terminated() const {
  const auto& instrs = function_.blocks[block_].instrs;
  return !instrs.empty() && (info(function_.values[instrs.back()].op).effects & kControl) != 0;
}

ValueId Builder::append(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux) {
  const auto id = static_cast<ValueId>(function_.values.size());
  function_.values.push_back({op, type, std::move(args), aux, location_, block_});
  return id;
}

ValueId Builder::emit(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux) {
  const ValueId id = append(op, type, std::move(args), aux);
  function_.blocks[block_].instrs.push_back(id);
  return id;
}

ValueId Builder::param(int position) { return emit(Op::kParam, function_.params[static_cast<size_t>(position)], {}, position); }

ValueId Builder::constant(const Constant& value) {
  const auto found = std::find(function_.constants.begin(), function_.constants.end(), value);
  const auto index = found - function_.constants.begin();
  if (found == function_.constants.end()) {
    function_.constants.push_back(value);
  }
  return emit(Op::kConst, value.type, {}, index);
}

const Constant* Builder::as_constant(ValueId value) const {
  const Instr& instr = function_.values[value];
  return instr.op == Op::kConst ? &function_.constants[static_cast<size_t>(instr.aux)] : nullptr;
}

ValueId Builder::phi(TypeRef type) {
  const ValueId id = append(Op::kPhi, type, {}, 0);
  auto& instrs = function_.blocks[block_].instrs;
  const auto behind_phis = std::find_if(instrs.begin(), instrs.end(), [this](ValueId v) { return function_.values[v].op != Op::kPhi; });
  instrs.insert(behind_phis, id);
  return id;
}

void Builder::link(BlockId target) {
  function_.blocks[block_].succs.push_back(target);
  function_.blocks[target].preds.push_back(block_);
}

void Builder::br(BlockId target) {
  emit(Op::kBr, none_type(), {});
  link(target);
}

void Builder::cond_br(ValueId condition, BlockId if_true, BlockId if_false) {
  emit(Op::kCondBr, none_type(), {condition});
  link(if_true);
  link(if_false);
}

void Builder::ret(ValueId value) { emit(Op::kRet, none_type(), {value}); }

int64_t Builder::symbol(std::string_view name, bool status) {
  const auto found = std::find_if(module_.symbols.begin(), module_.symbols.end(), [&](const Symbol& s) { return s.name == name; });
  if (found != module_.symbols.end()) {
    return found - module_.symbols.begin();
  }
  module_.symbols.push_back({std::string(name), status});
  return static_cast<int64_t>(module_.symbols.size()) - 1;
}

} // namespace hasten::ir
