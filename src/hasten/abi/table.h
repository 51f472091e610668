// The names of this layer that generated code may call.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace hasten::abi {

using Symbol = std::pair<std::string_view, void*>;

// A row of a symbol table for a function `f`: its name and address.
#define HASTEN_SYMBOL(f)                                                                                                                   \
  ::hasten::abi::Symbol { #f, reinterpret_cast<void*>(&f) }

std::span<const Symbol> abi_symbols();

} // namespace hasten::abi
