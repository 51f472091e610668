// LLVM's passes over a finished module, tuned for compile time: what our own IR and its passes settle already is not done again.
#pragma once

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace hasten::llvm_backend {

void optimize(llvm::Module& module, llvm::TargetMachine& machine);

} // namespace hasten::llvm_backend
