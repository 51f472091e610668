#include "hasten/compiler/passes/fusion/compose.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {
namespace {

using namespace ir;

class Composer {
public:
  Composer(Module& module, const Function& function, const std::vector<ValueId>& statements)
      : module_(module), function_(function), statements_(statements), made_(function.values.size(), kNone) {}

  Composed run() {
    const Function& last = kernel_of(statements_.back());
    kernel_.name = last.name;
    kernel_.kernel = true;
    kernel_.result = last.result;
    kernel_.blocks.emplace_back();
    make_params();
    for (ValueId statement : statements_) {
      made_[statement] = inlined(statement);
    }
    add(Op::kRet, none_type(), {made_[statements_.back()]});
    kernel_.straight = std::all_of(statements_.begin(), statements_.end(), [&](ValueId s) { return kernel_of(s).straight; });
    module_.functions.push_back(std::move(kernel_));
    return {module_.functions.size() - 1, std::move(operands_)};
  }

private:
  const Function& kernel_of(ValueId statement) const { return module_.functions[kernel_index(function_.values[statement])]; }
  bool is_inside(ValueId value) const { return std::find(statements_.begin(), statements_.end(), value) != statements_.end(); }

  ValueId add(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux = 0) {
    const ValueId value = new_value(kernel_, op, type, std::move(args), block_);
    kernel_.values[value].aux = aux;
    kernel_.blocks[block_].instrs.push_back(value);
    return value;
  }

  ValueId add_param(TypeRef type) {
    kernel_.params.push_back(type);
    return add(Op::kParam, type, {}, static_cast<int64_t>(kernel_.params.size()) - 1);
  }

  void make_params() {
    bool iota = false;
    for (ValueId statement : statements_) {
      const Instr& instr = function_.values[statement];
      const Function& kernel = kernel_of(statement);
      const size_t first = first_operand(instr);
      for (size_t i = first; i < instr.args.size(); ++i) {
        const ValueId operand = instr.args[i];
        if (is_inside(operand) || made_[operand] != kNone) {
          continue;
        }
        const Constant* constant = constant_of(function_, operand);
        if (constant != nullptr) {
          kernel_.constants.push_back(*constant);
          made_[operand] = add(Op::kConst, constant->type, {}, static_cast<int64_t>(kernel_.constants.size()) - 1);
        } else {
          operands_.push_back(operand);
          made_[operand] = add_param(kernel.params[i - first]);
        }
      }
      iota = iota || has_iota(module_, instr);
    }
    iota_ = iota ? add_param(intp_type()) : kNone;
  }

  // Appends the statement's kernel to the code so far; gives the value that it returns.
  ValueId inlined(ValueId statement) {
    const Instr& instr = function_.values[statement];
    const Function& kernel = kernel_of(statement);
    std::vector<BlockId> blocks(kernel.blocks.size(), block_);
    for (BlockId block = 1; block < kernel.blocks.size(); ++block) {
      blocks[block] = static_cast<BlockId>(kernel_.blocks.size());
      kernel_.blocks.emplace_back();
    }
    std::vector<ValueId> values(kernel.values.size(), kNone);
    ValueId result = kNone;
    BlockId end = block_;
    for (BlockId block = 0; block < kernel.blocks.size(); ++block) {
      block_ = blocks[block];
      link(kernel.blocks[block], blocks, block != 0);
      for (ValueId value : kernel.blocks[block].instrs) {
        const Instr& original = kernel.values[value];
        if (original.op == Op::kParam) {
          const size_t operand = first_operand(instr) + static_cast<size_t>(original.aux);
          values[value] = operand < instr.args.size() ? made_[instr.args[operand]] : iota_;
        } else if (original.op == Op::kRet) {
          result = original.args[0];
          end = block_;
        } else {
          values[value] = copy(kernel, original);
        }
      }
    }
    rename_operands(kernel, values);
    block_ = end;
    return values[result];
  }

  void link(const Block& original, const std::vector<BlockId>& blocks, bool with_preds) {
    Block& block = kernel_.blocks[block_];
    const auto renamed = [&](BlockId b) { return blocks[b]; };
    std::transform(original.succs.begin(), original.succs.end(), std::back_inserter(block.succs), renamed);
    if (with_preds) {
      std::transform(original.preds.begin(), original.preds.end(), std::back_inserter(block.preds), renamed);
    }
  }

  ValueId copy(const Function& kernel, const Instr& original) {
    int64_t aux = original.aux;
    if (original.op == Op::kConst) {
      kernel_.constants.push_back(kernel.constants[static_cast<size_t>(aux)]);
      aux = static_cast<int64_t>(kernel_.constants.size()) - 1;
    }
    const ValueId value = add(original.op, original.type, original.args, aux);
    kernel_.values[value].location = original.location;
    return value;
  }

  // Operands of the copies still have the names of the kernel that they come from, because a phi's may be defined behind it.
  static void rename(Instr& instr, const std::vector<ValueId>& values) {
    std::transform(instr.args.begin(), instr.args.end(), instr.args.begin(), [&](ValueId v) { return values[v]; });
  }

  void rename_operands(const Function& kernel, const std::vector<ValueId>& values) {
    for (ValueId value = 0; value < kernel.values.size(); ++value) {
      const Instr& original = kernel.values[value];
      if (values[value] != kNone && original.op != Op::kParam) {
        rename(kernel_.values[values[value]], values);
      }
    }
  }

  Module& module_;
  const Function& function_;
  const std::vector<ValueId>& statements_;
  Function kernel_;
  BlockId block_ = 0;
  std::vector<ValueId> made_; // by value of the function: what it is in the kernel
  std::vector<ValueId> operands_;
  ValueId iota_ = kNone;
};

} // namespace

Composed compose(Module& module, const Function& function, const std::vector<ValueId>& statements) {
  return Composer(module, function, statements).run();
}

size_t first_operand(const Instr& statement) {
  return statement.op == Op::kEwiseShaped ? statement.type->ndim : statement.op == Op::kEwiseInto ? 1 : 0;
}

bool has_iota(const Module& module, const Instr& statement) {
  return module.functions[kernel_index(statement)].params.size() > statement.args.size() - first_operand(statement);
}

} // namespace hasten::passes
