#include "hasten/parallel/table.h"

#include "hasten/abi/parallel.h"

namespace hasten::parallel {

std::span<const abi::Symbol> parallel_symbols() {
  static const abi::Symbol symbols[] = {
      HASTEN_SYMBOL(hst_parallel_for),    HASTEN_SYMBOL(hst_parallel_chunks), HASTEN_SYMBOL(hst_get_num_threads),
      HASTEN_SYMBOL(hst_set_num_threads), HASTEN_SYMBOL(hst_get_thread_id),
  };
  return symbols;
}

} // namespace hasten::parallel
