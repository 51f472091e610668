// Kernels in several instruction sets, chosen when the process starts.
//
// A kernel is written once as an always-inlined function, and called from three functions with the target attributes below.
#pragma once

namespace hasten::array {

enum class Isa : int { kBase = 0, kAvx2 = 1, kAvx512 = 2 };

inline Isa best_isa() {
#if defined(__x86_64__)
  static const Isa isa = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
      return Isa::kAvx512;
    }
    return __builtin_cpu_supports("avx2") ? Isa::kAvx2 : Isa::kBase;
  }();
  return isa;
#else
  return Isa::kBase;
#endif
}

// Before a loop whose iterations don't depend on each other within a vector, which the compiler can't see.
#if defined(__clang__)
#define HASTEN_NO_DEPENDENCE _Pragma("clang loop vectorize(assume_safety)")
#else
#define HASTEN_NO_DEPENDENCE _Pragma("GCC ivdep")
#endif

#define HASTEN_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__)
#define HASTEN_AVX2 __attribute__((target("avx2")))
#if defined(__clang__)
#define HASTEN_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
#else
#define HASTEN_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512")))
#endif
#else
#define HASTEN_AVX2
#define HASTEN_AVX512
#endif

// The fitting one of three functions.
template <class F> F* pick_isa(F* base, F* avx2, F* avx512) {
  switch (best_isa()) {
  case Isa::kAvx512:
    return avx512;
  case Isa::kAvx2:
    return avx2;
  default:
    return base;
  }
}

} // namespace hasten::array
