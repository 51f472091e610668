// What happened in this process, for hasten.stats() and for tests. Counters are written under the GIL.
#pragma once

#include <cstdint>

namespace hasten::bindings {

struct Counters {
  uint64_t native_compilations = 0;
  uint64_t cache_loads = 0;
  uint64_t native_calls = 0;
  uint64_t interpreted_calls = 0;
};

inline Counters counters;

} // namespace hasten::bindings
