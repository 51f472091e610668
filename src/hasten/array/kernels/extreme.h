// The least or greatest numbers of contiguous runs; NaN where there is one.
#pragma once

#include <cstdint>

namespace hasten::array {

// Of n > 0 items. Both are instantiated for the integers of one to eight bytes, float and double.
template <class T> T extreme(const T* items, int64_t n, bool greatest);

// bests[i] = the better one of bests[i] and items[i]. The runs don't overlap.
template <class T> void keep_better(T* bests, const T* items, int64_t n, bool greatest);

} // namespace hasten::array
