// A reference-counted piece of memory. Arrays, strings and containers of compiled code live in blocks.
//
// Ownership: whoever holds a Block* in an owning place (a compiled value, a Python array over it) holds one count.
// Threads: counts are plain integers; code that shares a block between threads uses the atomic entry points.
#pragma once

#include <cstdint>

namespace hasten::abi {

struct Block {
  int64_t refs;
  void (*destroy)(Block*); // called when refs reaches zero; frees the block itself where it was allocated
  void* owner;             // the PyObject* that owns the memory, for blocks that stand for a Python argument; else null
  char* data;              // the first byte
  int64_t bytes;           // size of data
};

// A block that lives for ever: for arrays without memory of their own.
extern "C" Block hst_immortal_block;

// One allocation holds the block and `bytes` bytes at a 64-byte boundary. Returns null where memory is short. refs is 1.
extern "C" Block* hst_block_new(int64_t bytes, int32_t zero);
extern "C" void hst_block_release(Block*); // --refs, destroy at zero
extern "C" void hst_block_retain_atomic(Block*);
extern "C" void hst_block_release_atomic(Block*);
// Live blocks made by hst_block_new and their bytes; for leak checks and hasten.stats().
extern "C" void hst_block_counts(int64_t* allocated, int64_t* freed, int64_t* live_bytes);

} // namespace hasten::abi
