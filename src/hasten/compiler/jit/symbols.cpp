#include "hasten/compiler/jit/symbols.h"

#include <mutex>
#include <string>
#include <unordered_map>

#include "hasten/abi/block.h"
#include "hasten/abi/table.h"
#include "hasten/array/kernels/table.h"
#include "hasten/compiler/jit/session.h"
#include "hasten/mpi/table.h"
#include "hasten/parallel/table.h"

// The addresses of C functions, whatever their types are.
extern "C" {
#define HASTEN_C_SYMBOL(name) extern char hst_c_##name[] __asm__(#name);
#include "hasten/compiler/jit/c_symbols.def"
#undef HASTEN_C_SYMBOL
}

namespace hasten::jit {
namespace {

using abi::Block;
using Table = std::unordered_map<std::string_view, void*>;

// Counted blocks that a compiled function holds in stack slots: releases what is there and leaves nulls.
void release_slots(Block** slots, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (slots[i] != nullptr) {
      abi::hst_block_release(slots[i]);
      slots[i] = nullptr;
    }
  }
}

void release_slots_atomic(Block** slots, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (slots[i] != nullptr) {
      abi::hst_block_release_atomic(slots[i]);
      slots[i] = nullptr;
    }
  }
}

// What this layer and those below offer. It never changes.
const Table& offered() {
  static const auto* const kTable = [] {
    auto* table = new Table;
    for (const auto& symbols : {abi::abi_symbols(), parallel::parallel_symbols(), array::kernel_symbols(), mpi::mpi_symbols()}) {
      table->insert(symbols.begin(), symbols.end());
    }
    table->emplace("hst_release_slots", reinterpret_cast<void*>(&release_slots));
    table->emplace("hst_release_slots_atomic", reinterpret_cast<void*>(&release_slots_atomic));
#define HASTEN_C_SYMBOL(name) table->emplace(#name, static_cast<void*>(hst_c_##name));
#include "hasten/compiler/jit/c_symbols.def"
#undef HASTEN_C_SYMBOL
    return table;
  }();
  return *kTable;
}

// What was added from above. Leaked on purpose: code may be linked while the process ends.
struct Added {
  std::mutex mutex;
  std::unordered_map<std::string, void*> symbols;
  SymbolProvider provider = nullptr;
};

Added*& added_slot() {
  static auto* added = new Added;
  return added;
}

} // namespace

void add_symbol(std::string_view name, void* address) {
  Added& added = *added_slot();
  const std::lock_guard lock(added.mutex);
  added.symbols.emplace(name, address);
}

void set_symbol_provider(SymbolProvider provider) {
  Added& added = *added_slot();
  const std::lock_guard lock(added.mutex);
  added.provider = provider;
}

void* find_symbol(std::string_view name) {
  const auto known = offered().find(name);
  if (known != offered().end()) {
    return known->second;
  }
  SymbolProvider provider = nullptr;
  {
    Added& added = *added_slot();
    const std::lock_guard lock(added.mutex);
    const auto found = added.symbols.find(std::string(name));
    if (found != added.symbols.end()) {
      return found->second;
    }
    provider = added.provider;
  }
  return provider == nullptr ? nullptr : provider(name);
}

void forget_symbol_lock_after_fork() {
  Added& old = *added_slot();
  auto* fresh = new Added;
  fresh->symbols = old.symbols;
  fresh->provider = old.provider;
  added_slot() = fresh;
}

} // namespace hasten::jit
