// Copies between strided memory and contiguous blocks.
#pragma once

#include <cstdint>

#include "hasten/array/kernels/nest.h"

namespace hasten::array {

// count items of `item` bytes (1, 2, 4, 8 or 16), from source to target with their strides.
void copy_strided(char* target, int64_t target_stride, const char* source, int64_t source_stride, int64_t count, int64_t item);

// Items [begin, begin + count) of operand k of the nest to contiguous memory, and back.
void gather(const Nest& nest, int k, int64_t begin, int64_t count, int64_t item, char* target);
void scatter(const Nest& nest, int k, int64_t begin, int64_t count, int64_t item, const char* source);

// Repeats the item at items[count - 1] behind it until there are `padded` items.
void pad_with_last(char* items, int64_t count, int64_t padded, int64_t item);

} // namespace hasten::array
