// Parallel loops of compiled code.
#pragma once

#include <cstdint>

#include "hasten/abi/env.h"

namespace hasten::abi {

// Runs iterations [begin, end) of the loop. `captures` is shared and read only; `partial` is this chunk's own accumulator block,
// which the function initialises to the identities first. Returns a Status.
using LoopBody = int32_t (*)(Env* env, const void* captures, void* partial, int64_t begin, int64_t end);

} // namespace hasten::abi

extern "C" {
// Splits [0, n) into chunks that depend on n and the number of threads only (so results are reproducible), runs the first piece
// serially and timed, and shares the rest only where that pays. partials: room for `max_chunks` blocks of partial_bytes each; *chunks
// receives how many were used, in order. The first error by iteration order wins; the rest is cancelled.
int32_t hst_parallel_for(hasten::abi::Env* env, int64_t n, hasten::abi::LoopBody body, const void* captures, void* partials,
                         int64_t partial_bytes, int32_t max_chunks, int32_t* chunks);
// How many chunks a loop of n iterations may use at most in this thread's arena (1 where it is already inside a parallel loop).
int32_t hst_parallel_chunks(int64_t n);
int32_t hst_get_num_threads();
int32_t hst_set_num_threads(hasten::abi::Env* env, int64_t n);
int32_t hst_get_thread_id();
}
