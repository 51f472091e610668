#include "hasten/compiler/passes/pipeline.h"

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/passes/bounds/bounds.h"
#include "hasten/compiler/passes/fusion/fusion.h"
#include "hasten/compiler/passes/ownership.h"
#include "hasten/compiler/passes/simplify/functions.h"
#include "hasten/compiler/passes/simplify/simplify.h"

namespace hasten::passes {
namespace {

using namespace ir;

void check([[maybe_unused]] const Module& module, [[maybe_unused]] const char* pass) {
#ifdef HASTEN_IR_CHECKS
  for (const Function& function : module.functions) {
    const std::string wrong = verify(module, function);
    if (!wrong.empty()) {
      base::internal_error("the IR is wrong after " + std::string(pass) + ": " + wrong + "\n" + print(module, function));
    }
  }
#endif
}

void simplify_all(Module& module) {
  for (Function& function : module.functions) {
    simplify(module, function);
  }
}

void fuse_all(Module& module) {
  const size_t count = module.functions.size(); // fusion appends kernels
  for (size_t i = 0; i < count; ++i) {
    if (!module.functions[i].kernel) {
      fuse_statements(module, i);
    }
  }
}

void count_all(Module& module) {
  for (Function& function : module.functions) {
    insert_counts(function);
  }
}

} // namespace

void run_all(Module& module) {
  check(module, "inference");
  simplify_all(module);
  check(module, "simplify");
  fuse_all(module);
  check(module, "fuse_statements");
  simplify_all(module);
  check(module, "simplify behind fuse_statements");
  prune_functions(module);
  check(module, "prune_functions");
  remove_checks(module);
  check(module, "remove_checks");
  count_all(module);
  check(module, "insert_counts");
}

} // namespace hasten::passes
