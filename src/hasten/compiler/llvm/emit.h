// Typed IR to an object file. No LLVM type is named here.
#pragma once

#include <string>
#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::llvm_backend {

// What kind of entry the object offers beside the plain one.
enum class LoopKind : uint8_t { kNone, kUfunc, kGufunc };

struct EmitOptions {
  bool want_llvm = false; // keep the optimised LLVM IR as text
  bool want_assembly = false;
  int optimization = 3;
  LoopKind loop = LoopKind::kNone;
  // kGufunc: core dimensions of each argument by index into the gufunc's dimensions, inputs first, then outputs, as function 0 takes them.
  std::vector<std::vector<int>> core_dimensions;
  int outputs = 1; // kUfunc: result items; kGufunc: how many of the last parameters are outputs
};

// Symbols that the object defines.
inline constexpr const char* kEntrySymbol = "hasten_entry"; // abi::Entry
inline constexpr const char* kLoopSymbol = "hasten_loop";   // abi::UfuncLoop, where asked for; its `data` becomes Env::bindings

struct Object {
  std::string bytes; // ELF, relocatable; library addresses are named, not embedded
  std::string llvm;
  std::string assembly;
};

// Thread-safe. Throws base::Diagnostic (kInternal) where the IR is not valid.
Object emit_object(const ir::Module& module, const EmitOptions& options);

// "znver4", and the features that code is generated for: part of every cache key.
std::string host_cpu();
std::string llvm_version();

} // namespace hasten::llvm_backend
