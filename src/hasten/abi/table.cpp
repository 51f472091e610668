#include "hasten/abi/table.h"

#include "hasten/abi/block.h"
#include "hasten/abi/env.h"

namespace hasten::abi {

std::span<const Symbol> abi_symbols() {
  static const Symbol symbols[] = {
      HASTEN_SYMBOL(hst_immortal_block),
      HASTEN_SYMBOL(hst_block_new),
      HASTEN_SYMBOL(hst_block_release),
      HASTEN_SYMBOL(hst_block_retain_atomic),
      HASTEN_SYMBOL(hst_block_release_atomic),
      HASTEN_SYMBOL(hst_block_counts),
      HASTEN_SYMBOL(hst_poll),
      HASTEN_SYMBOL(hst_trace),
      HASTEN_SYMBOL(hst_raise_index),
      HASTEN_SYMBOL(hst_raise_builtin),
  };
  return symbols;
}

} // namespace hasten::abi
