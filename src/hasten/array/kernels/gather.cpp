#include "hasten/array/kernels/gather.h"

#include <cstring>

namespace hasten::array {
namespace {

struct Pair {
  uint64_t first, second;
};

template <class T> T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T> void store(char* at, T value) { std::memcpy(at, &value, sizeof value); }

template <class T> void fill(char* __restrict target, int64_t stride, T value, int64_t count) {
  if (stride == sizeof(T)) {
    for (int64_t i = 0; i < count; ++i) {
      store(target + i * static_cast<int64_t>(sizeof(T)), value);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    store(target + i * stride, value);
  }
}

// Four at a time: the compiler can't do it, because it doesn't know how far apart the items are.
template <class T>
void copy_apart(char* __restrict target, int64_t target_stride, const char* __restrict source, int64_t source_stride, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const T a = load<T>(source);
    const T b = load<T>(source + source_stride);
    const T c = load<T>(source + 2 * source_stride);
    const T d = load<T>(source + 3 * source_stride);
    store(target, a);
    store(target + target_stride, b);
    store(target + 2 * target_stride, c);
    store(target + 3 * target_stride, d);
    source += 4 * source_stride;
    target += 4 * target_stride;
  }
  for (; i < count; ++i) {
    store(target, load<T>(source));
    source += source_stride;
    target += target_stride;
  }
}

template <class T> void copy_items(char* target, int64_t target_stride, const char* source, int64_t source_stride, int64_t count) {
  constexpr int64_t kBytes = sizeof(T);
  if (count <= 0) {
    return;
  }
  if (target_stride == kBytes && source_stride == kBytes) {
    std::memcpy(target, source, static_cast<size_t>(count * kBytes));
  } else if (source_stride == 0) {
    fill(target, target_stride, load<T>(source), count);
  } else if (target_stride == kBytes) {
    copy_apart<T>(target, kBytes, source, source_stride, count);
  } else {
    copy_apart<T>(target, target_stride, source, source_stride, count);
  }
}

} // namespace

void copy_strided(char* target, int64_t target_stride, const char* source, int64_t source_stride, int64_t count, int64_t item) {
  switch (item) {
  case 1:
    return copy_items<uint8_t>(target, target_stride, source, source_stride, count);
  case 2:
    return copy_items<uint16_t>(target, target_stride, source, source_stride, count);
  case 4:
    return copy_items<uint32_t>(target, target_stride, source, source_stride, count);
  case 8:
    return copy_items<uint64_t>(target, target_stride, source, source_stride, count);
  default:
    return copy_items<Pair>(target, target_stride, source, source_stride, count);
  }
}

void gather(const Nest& nest, int k, int64_t begin, int64_t count, int64_t item, char* target) {
  nest.for_each_run(k, begin, count, [&](const char* source, int64_t stride, int64_t run) {
    copy_strided(target, item, source, stride, run, item);
    target += run * item;
  });
}

void scatter(const Nest& nest, int k, int64_t begin, int64_t count, int64_t item, const char* source) {
  nest.for_each_run(k, begin, count, [&](const char* target, int64_t stride, int64_t run) {
    copy_strided(const_cast<char*>(target), stride, source, item, run, item);
    source += run * item;
  });
}

void pad_with_last(char* items, int64_t count, int64_t padded, int64_t item) {
  copy_strided(items + count * item, item, items + (count - 1) * item, 0, padded - count, item);
}

} // namespace hasten::array
