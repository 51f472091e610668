// Loops over a range of integers on all cores.
//
// The threads belong to the process and are started by the first loop that is worth it; loops that are over sooner than a thread wakes run
// in the caller's. A loop inside a loop's body runs serially. HASTEN_NUM_THREADS, read at the first loop, says how many threads there are,
// the caller's included; by default as many as cores that the process may use. A child of fork() has threads of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "hasten/base/export.h"
#include "hasten/detail/first_failure.h"

namespace hasten {

namespace abi {
struct Env;
}

namespace detail {

// The engine calls it with pieces [begin, end) of [0, n), each once; other than 0 stops the pieces that come later.
using LoopBody = int32_t (*)(abi::Env*, const void* captures, void* part, int64_t begin, int64_t end);

// Pieces of a loop of n iterations, each of about `grain` at least.
HASTEN_API int32_t pieces_of(int64_t n, int64_t grain);
// `parts`: one block of part_bytes for each piece.
HASTEN_API void run_loop(int64_t n, int32_t pieces, LoopBody body, const void* captures, void* parts, int64_t part_bytes);

// What the pieces of one loop share. `run` takes an offset range, and where its part lies.
template <class Run> struct Loop {
  Run& run;
  FirstFailure failure;

  static int32_t run_piece(abi::Env*, const void* captures, void* part, int64_t begin, int64_t end) {
    Loop& loop = *static_cast<Loop*>(const_cast<void*>(captures));
    try {
      loop.run(begin, end, part);
      return 0;
    } catch (...) {
      loop.failure.note(begin);
      return 1;
    }
  }

  void run_all(int64_t n, int32_t pieces, void* parts, int64_t part_bytes) {
    run_loop(n, pieces, run_piece, this, parts, part_bytes);
    failure.rethrow();
  }
};

template <class Index> int64_t length_of(Index begin, Index end) { return begin < end ? static_cast<int64_t>(end - begin) : 0; }

} // namespace detail

// How many threads a loop of the calling thread may use, itself included.
HASTEN_API int concurrency();

// Calls f(i) for each i in [begin, end), or f(first, last) for pieces that cover it, where f takes two.
//
// Order and threads are not defined. `grain`: where an iteration is known to be short, the fewest worth giving to a thread (a piece may be
// a little smaller); 0: find out. An exception ends the loop: the one that a serial loop would have thrown is thrown, unless the loop was
// ended before anybody came to it; iterations behind it may have run.
template <std::integral Index, class F> void parallel_for(Index begin, Index end, F&& f, int64_t grain = 0) {
  static_assert(std::invocable<F&, Index> || std::invocable<F&, Index, Index>, "f is called as f(i) or as f(first, last)");
  const auto run = [&](int64_t first, int64_t last, void*) {
    const auto from = static_cast<Index>(begin + static_cast<Index>(first));
    const auto to = static_cast<Index>(begin + static_cast<Index>(last));
    if constexpr (std::invocable<F&, Index, Index>) {
      f(from, to);
    } else {
      for (Index i = from; i != to; ++i) {
        f(i);
      }
    }
  };
  const int64_t n = detail::length_of(begin, end);
  detail::Loop<decltype(run)>{run, {}}.run_all(n, detail::pieces_of(n, grain), nullptr, 0);
}

// Joins map(i) for each i in [begin, end) to one value, or map(first, last) for pieces that cover it, where map takes two.
//
// join(T, T) -> T is associative, and join(identity, x) is x. Pieces are joined in order, and depend on the
// range, the grain and the number of threads only: results that are rounded have the same bits in every run. Exceptions as in parallel_for.
template <std::integral Index, class T, class Map, class Join>
T parallel_reduce(Index begin, Index end, T identity, Map&& map, Join&& join, int64_t grain = 0) {
  static_assert(std::invocable<Map&, Index> || std::invocable<Map&, Index, Index>, "map is called as map(i) or as map(first, last)");
  const auto run = [&](int64_t first, int64_t last, void* part) {
    const auto from = static_cast<Index>(begin + static_cast<Index>(first));
    const auto to = static_cast<Index>(begin + static_cast<Index>(last));
    auto& result = *static_cast<std::optional<T>*>(part);
    if constexpr (std::invocable<Map&, Index, Index>) {
      result.emplace(map(from, to));
    } else {
      T sum = identity;
      for (Index i = from; i != to; ++i) {
        sum = join(std::move(sum), map(i));
      }
      result.emplace(std::move(sum));
    }
  };
  const int64_t n = detail::length_of(begin, end);
  const int32_t pieces = detail::pieces_of(n, grain);
  std::vector<std::optional<T>> parts(static_cast<size_t>(pieces));
  detail::Loop<decltype(run)>{run, {}}.run_all(n, pieces, parts.data(), sizeof(std::optional<T>));
  T result = std::move(identity);
  for (std::optional<T>& part : parts) {
    result = join(std::move(result), std::move(*part));
  }
  return result;
}

} // namespace hasten
