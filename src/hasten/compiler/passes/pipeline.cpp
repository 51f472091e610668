#include "hasten/compiler/passes/pipeline.h"

#include "hasten/compiler/passes/ownership.h"
#include "hasten/compiler/passes/simplify/functions.h"
#include "hasten/compiler/passes/simplify/simplify.h"

namespace hasten::passes {

void run_all(ir::Module& module) {
  for (ir::Function& function : module.functions) {
    simplify(module, function);
  }
  prune_functions(module);
  for (ir::Function& function : module.functions) {
    insert_counts(function);
  }
}

} // namespace hasten::passes
