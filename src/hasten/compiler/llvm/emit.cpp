#include "hasten/compiler/llvm/emit.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/llvm/optimize.h"
#include "hasten/compiler/llvm/target.h"
#include "hasten/compiler/llvm/unit.h"
#include "hasten/compiler/llvm/wrappers.h"

namespace hasten::llvm_backend {
namespace {

// HASTEN_DUMP=ir,llvm,asm shows on stderr what is compiled, and what becomes of it.
bool dump_wanted(std::string_view what) {
  const char* list = std::getenv("HASTEN_DUMP");
  for (std::string_view rest = list == nullptr ? "" : list; !rest.empty();) {
    const size_t comma = rest.find(',');
    if (rest.substr(0, comma) == what) {
      return true;
    }
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return false;
}

bool is_called(const ir::Module& module, uint32_t function) {
  return std::any_of(module.functions.begin(), module.functions.end(), [&](const ir::Function& f) {
    return std::any_of(f.values.begin(), f.values.end(),
                       [&](const ir::Instr& i) { return i.op == ir::Op::kCall && i.aux == static_cast<int64_t>(function); });
  });
}

void lower_module(Unit& unit, const EmitOptions& options) {
  if (unit.ir().functions.empty()) {
    base::internal_error("the module has no functions");
  }
  const bool gufunc = options.loop == LoopKind::kGufunc;
  emit_entry(unit, gufunc || is_called(unit.ir(), 0));
  if (gufunc) {
    emit_gufunc_loop(unit, options);
  } else if (options.loop == LoopKind::kUfunc) {
    emit_ufunc_loop(unit, options);
  }
  emit_natives(unit);
}

void set_target_attributes(llvm::Module& module, const ir::Module& ir) {
  const std::string width = std::to_string(host().vector_bits);
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) {
      continue;
    }
    function.addFnAttr("target-cpu", host().cpu);
    function.addFnAttr("target-features", host().features);
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    if ((ir.fastmath & ir::kNoNans) != 0) {
      function.addFnAttr("no-nans-fp-math", "true");
    }
  }
}

void check_module(const llvm::Module& module) {
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(module, &stream)) {
    base::internal_error("the lowering made LLVM IR that is not valid: " + problem);
  }
}

std::string print(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

std::string generate(llvm::Module& module, llvm::TargetMachine& machine, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type)) {
    base::internal_error("LLVM can't emit this kind of file");
  }
  passes.run(module);
  return {bytes.begin(), bytes.end()};
}

void check_ir([[maybe_unused]] const ir::Module& ir) {
#ifdef HASTEN_IR_CHECKS
  const std::string problem = ir::verify(ir);
  if (!problem.empty()) {
    base::internal_error("the IR to be lowered is wrong: " + problem + "\n" + ir::print(ir));
  }
#endif
}

void dump(const char* what, const std::string& text) {
  if (dump_wanted(what)) {
    llvm::errs() << text << '\n';
  }
}

} // namespace

Object emit_object(const ir::Module& ir, const EmitOptions& options) {
  check_ir(ir);
  if (dump_wanted("ir")) {
    dump("ir", ir::print(ir));
  }
  const MachineLease machine((ir.fastmath & ir::kContractions) != 0, options.optimization);
  llvm::LLVMContext context;
  const bool want_llvm = options.want_llvm || dump_wanted("llvm");
  context.setDiscardValueNames(!want_llvm);
  llvm::Module module("hasten", context);
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(machine->getTargetTriple());
  Unit unit(module, ir, host().vector_bits);
  lower_module(unit, options);
  set_target_attributes(module, ir);
  check_module(module);
  optimize(module, *machine);

  Object object;
  if (want_llvm) {
    object.llvm = print(module);
    dump("llvm", object.llvm);
  }
  if (options.want_assembly || dump_wanted("asm")) {
    // Of a copy: code generation changes the module.
    object.assembly = generate(*llvm::CloneModule(module), *machine, llvm::CodeGenFileType::AssemblyFile);
    dump("asm", object.assembly);
  }
  object.bytes = generate(module, *machine, llvm::CodeGenFileType::ObjectFile);
  return object;
}

std::string llvm_version() { return LLVM_VERSION_STRING; }

} // namespace hasten::llvm_backend
