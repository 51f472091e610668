// Digests of large contents at the speed of memory: what arrays are called by as arguments, and what tells damaged results on disk.
#pragma once

#include <string_view>

#include "hasten/base/digest.h"

namespace hasten::memo {

// 128 bits, the same on every machine. Contents that differ by accident have different digests; somebody who knows this code could make two
// that have the same, so it is no defence against forgers.
base::Digest memory_digest(std::string_view bytes);

// The same without vector units, for comparison.
base::Digest portable_memory_digest(std::string_view bytes);

} // namespace hasten::memo
