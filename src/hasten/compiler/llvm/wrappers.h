// What makes compiled functions callable from outside: the entry over 64-bit slots, and NumPy's loops.
#pragma once

#include "hasten/compiler/llvm/emit.h"
#include "hasten/compiler/llvm/unit.h"

namespace hasten::llvm_backend {

// The library calls it with the Env of a ufunc loop that failed: void hst_ufunc_error(Env*).
inline constexpr const char* kUfuncErrorSymbol = "hst_ufunc_error";

// kEntrySymbol: function 0 over abi/slots.h.
void emit_entry(Unit& unit, bool called_elsewhere);
// kLoopSymbol: function 0 for each item.
void emit_ufunc_loop(Unit& unit, const EmitOptions& options);
// kLoopSymbol: function 0 for each set of core arrays.
void emit_gufunc_loop(Unit& unit, const EmitOptions& options);
// The bodies of all functions that have been asked for.
void emit_natives(Unit& unit);

// Makes an Env on the stack, as its default constructor does.
llvm::Value* make_env(class Frame& frame, Builder& b);

} // namespace hasten::llvm_backend
