// Appends instructions to a function. Folds constants where the answer is exact.
#pragma once

#include <optional>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

class Builder {
public:
  Builder(Module& module, Function& function) : module_(module), function_(function) {}

  Function& function() { return function_; }
  Module& module() { return module_; }

  BlockId new_block();
  void set_block(BlockId block) { block_ = block; }
  BlockId block() const { return block_; }
  void set_location(uint32_t location) { location_ = location; }
  bool terminated() const;

  ValueId param(int position);
  ValueId constant(const Constant& value);
  ValueId constant_int(TypeRef type, int64_t value) { return constant({type, value}); }
  ValueId emit(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux = 0);
  // Phis stand at the head of the block whatever has been emitted since; operands follow by add_incoming, in the order of preds.
  ValueId phi(TypeRef type);
  void add_incoming(ValueId phi, ValueId value) { function_.values[phi].args.push_back(value); }

  void br(BlockId target);
  void cond_br(ValueId condition, BlockId if_true, BlockId if_false);
  void ret(ValueId value);

  TypeRef type(ValueId value) const { return function_.values[value].type; }
  // The constant that the value is, if it is one.
  const Constant* as_constant(ValueId value) const;

  int64_t symbol(std::string_view name, bool status);

private:
  ValueId append(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux);
  void link(BlockId target);

  Module& module_;
  Function& function_;
  BlockId block_ = 0;
  uint32_t location_ = kNone;
};

} // namespace hasten::ir
