// Whether two views share memory, for assignments that read what they write.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"

namespace hasten::array {

// Whether writing `out` may change items of `in` other than at the same place. Sound, not exact: some views that never touch are reported.
// `in` broadcasts to `out`.
bool may_clash(const abi::ArrayView& out, int64_t out_item, const abi::ArrayView& in, int64_t in_item);

} // namespace hasten::array
