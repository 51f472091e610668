#include "hasten/compiler/passes/simplify/functions.h"

#include <unordered_map>

#include "hasten/compiler/ir/rules.h"

namespace hasten::passes {
namespace {

using namespace ir;

bool names_function(const Instr& instr) { return aux_of(instr.op) == Aux::kFunction || aux_of(instr.op) == Aux::kReduce; }

template <class Body> void for_each_reference(Function& function, Body body) {
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      if (names_function(function.values[value])) {
        body(function.values[value]);
      }
    }
  }
}

// Bytes that are equal for two kernels just where they compute the same. Values are renumbered in the order of the blocks.
std::string fingerprint(const Function& kernel) {
  std::string bytes;
  const auto add = [&]<typename T>(const T& item) { bytes.append(reinterpret_cast<const char*>(&item), sizeof(T)); };
  for (TypeRef type : kernel.params) {
    add(type);
  }
  add(kernel.result);
  add(kernel.straight);
  std::vector<uint32_t> number(kernel.values.size());
  uint32_t next = 0;
  for (const Block& block : kernel.blocks) {
    for (ValueId value : block.instrs) {
      number[value] = next++;
    }
  }
  for (const Block& block : kernel.blocks) {
    add(block.instrs.size());
    for (ValueId value : block.instrs) {
      const Instr& instr = kernel.values[value];
      add(instr.op);
      add(instr.type);
      if (instr.op == Op::kConst) {
        const Constant& constant = kernel.constants[static_cast<size_t>(instr.aux)];
        add(constant.i);
        add(constant.re);
        add(constant.im);
      } else {
        add(instr.aux);
      }
      for (ValueId arg : instr.args) {
        add(number[arg]);
      }
    }
    for (BlockId succ : block.succs) {
      add(succ);
    }
    for (BlockId pred : block.preds) {
      add(pred);
    }
  }
  return bytes;
}

void merge_kernels(Module& module) {
  std::unordered_map<std::string, size_t> first;
  std::vector<size_t> stands_for(module.functions.size());
  bool any = false;
  for (size_t i = 0; i < module.functions.size(); ++i) {
    stands_for[i] = i;
    if (module.functions[i].kernel) {
      stands_for[i] = first.try_emplace(fingerprint(module.functions[i]), i).first->second;
      any |= stands_for[i] != i;
    }
  }
  for (size_t i = 0; i < module.functions.size() && any; ++i) {
    for_each_reference(module.functions[i], [&](Instr& instr) { instr.aux = with_kernel(instr.aux, stands_for[kernel_index(instr)]); });
  }
}

void drop_unused(Module& module) {
  std::vector<bool> used(module.functions.size());
  std::vector<size_t> work{0};
  used[0] = true;
  while (!work.empty()) {
    const size_t index = work.back();
    work.pop_back();
    for_each_reference(module.functions[index], [&](Instr& instr) {
      const size_t callee = kernel_index(instr);
      if (!used[callee]) {
        used[callee] = true;
        work.push_back(callee);
      }
    });
  }
  std::vector<size_t> renamed(module.functions.size());
  size_t next = 0;
  for (size_t i = 0; i < module.functions.size(); ++i) {
    if (used[i]) {
      renamed[i] = next;
      if (next != i) {
        module.functions[next] = std::move(module.functions[i]);
      }
      ++next;
    }
  }
  if (next == module.functions.size()) {
    return;
  }
  module.functions.resize(next);
  for (Function& function : module.functions) {
    for_each_reference(function, [&](Instr& instr) { instr.aux = with_kernel(instr.aux, renamed[kernel_index(instr)]); });
  }
}

} // namespace

void prune_functions(Module& module) {
  merge_kernels(module);
  drop_unused(module);
}

} // namespace hasten::passes
