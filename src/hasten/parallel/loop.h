// Parallel loops for kernels; compiled code reaches the same machinery through abi/parallel.h.
//
// Threads: may be called from any thread; inside a chunk of a loop, further loops run serially. Chunks run in other threads with an Env of
// their own. Bodies must not call Python.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "hasten/abi/parallel.h"
#include "hasten/parallel/partition.h"

namespace hasten::parallel {

struct LoopCall {
  abi::LoopBody body;
  const void* captures;
  char* partials;
  int64_t partial_bytes;
  float cost; // estimated ns an iteration; 0: unknown, learnt from earlier runs of the same body
};

// Runs all chunks; the error of the lowest iteration wins.
int32_t run_loop(abi::Env* env, const Partition& partition, const LoopCall& call);

// body(Env*, begin, end) -> abi::Status for pieces of [0, n). `cost`: estimated ns an iteration.
template <class Body> abi::Status parallel_for(abi::Env* env, int64_t n, float cost, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  const int32_t chunks = hst_parallel_chunks(n);
  if (chunks == 0) {
    return abi::Status::kOk;
  }
  const abi::LoopBody call = [](abi::Env* e, const void* captures, void*, int64_t begin, int64_t end) {
    return static_cast<int32_t>((*static_cast<Plain*>(const_cast<void*>(captures)))(e, begin, end));
  };
  return static_cast<abi::Status>(run_loop(env, Partition(n, chunks), LoopCall{call, &body, nullptr, 0, cost}));
}

// body(Env*, begin, end, T*) -> abi::Status computes a piece's part; combine(T&, const T&) joins the parts in order. `result` holds the
// identity before. T is trivially copyable.
template <class T, class Body, class Combine>
abi::Status parallel_reduce(abi::Env* env, int64_t n, float cost, T* result, Body&& body, Combine&& combine) {
  static_assert(std::is_trivially_copyable_v<T>);
  using Plain = std::remove_reference_t<Body>;
  const int32_t chunks = hst_parallel_chunks(n);
  if (chunks == 0) {
    return abi::Status::kOk;
  }
  std::vector<T> parts(static_cast<size_t>(chunks), *result);
  const abi::LoopBody call = [](abi::Env* e, const void* captures, void* part, int64_t begin, int64_t end) {
    return static_cast<int32_t>((*static_cast<Plain*>(const_cast<void*>(captures)))(e, begin, end, static_cast<T*>(part)));
  };
  const LoopCall loop{call, &body, reinterpret_cast<char*>(parts.data()), sizeof(T), cost};
  const auto status = static_cast<abi::Status>(run_loop(env, Partition(n, chunks), loop));
  for (const T& part : parts) {
    combine(*result, part);
  }
  return status;
}

} // namespace hasten::parallel
