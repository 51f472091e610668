#include "hasten/compiler/compile.h"

#include "hasten/compiler/infer/infer.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/passes/pipeline.h"

namespace hasten::compiler {

Unit compile(infer::Host& host, const Request& request) {
  infer::Inferred inferred = infer::infer(host, request.function, request.arguments, request.options, request.result);
  ir::Module& module = inferred.module;
  passes::run_all(module);

  Unit unit;
  unit.arguments = request.arguments;
  unit.result = module.functions[0].result;
  unit.ir = request.want_ir ? ir::print(module) : std::string();
  unit.object = llvm_backend::emit_object(module, request.emit);
  for (const auto& [function, name] : inferred.captured) {
    unit.captured.push_back({function, name});
  }
  unit.callees = std::move(inferred.callees);
  for (const ir::Function& function : module.functions) {
    unit.has_parallel_loops = unit.has_parallel_loops || function.loop_body;
  }
  for (const ir::Symbol& symbol : module.symbols) {
    unit.symbols.push_back(symbol.name);
  }
  unit.sites = std::move(module.sites);
  unit.locations = std::move(module.locations);
  unit.names = std::move(module.names);
  unit.bindings = std::move(module.bindings);
  return unit;
}

} // namespace hasten::compiler
