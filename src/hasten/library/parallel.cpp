#include "hasten/parallel.h"

#include <algorithm>

#include "hasten/parallel/loop.h"
#include "hasten/parallel/threads.h"

namespace hasten {
namespace detail {

static_assert(std::is_same_v<LoopBody, abi::LoopBody>);

int32_t pieces_of(int64_t n, int64_t grain) {
  const int32_t most = hst_parallel_chunks(n);
  return grain > 0 && most > 0 ? static_cast<int32_t>(std::clamp<int64_t>(n / grain, 1, most)) : most;
}

void run_loop(int64_t n, int32_t pieces, LoopBody body, const void* captures, void* parts, int64_t part_bytes) {
  if (pieces == 0) {
    return;
  }
  abi::Env env;
  // The status tells of exceptions only, which the captures hold.
  parallel::run_loop(&env, parallel::Partition(n, pieces), {body, captures, static_cast<char*>(parts), part_bytes, 0});
}

} // namespace detail

int concurrency() { return parallel::place().inside ? 1 : parallel::thread_limit(); }

} // namespace hasten
