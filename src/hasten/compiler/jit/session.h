// Links objects into the process. LLVM's JIT starts with the first object, not before.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hasten/abi/slots.h"

namespace hasten::jit {

// Machine code in this process; unloaded with the last reference. Thread-safe.
class LoadedCode {
public:
  virtual ~LoadedCode() = default;
  virtual abi::Entry entry() const = 0;
  virtual abi::UfuncLoop loop() const = 0; // null where the object has none
};

// Links one object. Throws base::Diagnostic where a symbol is unknown or memory is denied. Thread-safe; no lock is held across anything of
// Python's.
std::shared_ptr<LoadedCode> load_object(const std::string& bytes);

// Adds a name that objects may refer to (what the bindings offer). Overrides nothing: names are added once.
void add_symbol(std::string_view name, void* address);
// Asked for names that nobody added ("npy_loop.…"); it returns null where it doesn't know the name. Called without the GIL.
using SymbolProvider = void* (*)(std::string_view name);
void set_symbol_provider(SymbolProvider provider);
// The address of a name that generated code may call; null where there is none.
void* find_symbol(std::string_view name);

// After fork, in the child: a new session is made on demand; code that was linked before stays mapped and usable.
void forget_session_after_fork();

} // namespace hasten::jit
