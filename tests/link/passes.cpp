#include "hasten/compiler/passes/pipeline.h"

#include "identity.h"

int main() {
  hasten::ir::Module module = hasten::identity_module();
  hasten::passes::run_all(module);
  return module.functions.at(0).result == hasten::ir::int_type() ? 0 : 1;
}
