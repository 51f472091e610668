// Memory for big blocks. Pages that were touched before are several times faster to write than fresh ones, so freed pieces are kept
// for the next allocation of about the same size, oldest dropped first, up to a bound for the process.
//
// Threads: all functions may be called from any thread. Fork: the child inherits the kept pieces.
#pragma once

#include <cstdint>

namespace hasten::abi {

// At least `bytes` bytes that begin at a page; all zero where `zero`. Null where memory is short.
void* allocate_large(int64_t bytes, bool zero);

// Gives back what allocate_large(bytes, …) returned.
void free_large(void* memory, int64_t bytes);

// How many bytes of freed memory are kept.
int64_t kept_large_bytes();

// The bound of kept memory: 256 MB, or an eighth of the machine's memory where that is less.
int64_t most_kept_large_bytes();

// Returns all kept memory to the system.
void drop_kept_large();

} // namespace hasten::abi
