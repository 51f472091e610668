#include "hasten/parallel/table.h"

#include "hasten/abi/channel.h"
#include "hasten/abi/parallel.h"

namespace hasten::parallel {

std::span<const abi::Symbol> parallel_symbols() {
  static const abi::Symbol symbols[] = {
      HASTEN_SYMBOL(hst_parallel_for),         HASTEN_SYMBOL(hst_parallel_chunks),     HASTEN_SYMBOL(hst_get_num_threads),
      HASTEN_SYMBOL(hst_set_num_threads),      HASTEN_SYMBOL(hst_get_thread_id),       HASTEN_SYMBOL(hst_channel_put_int),
      HASTEN_SYMBOL(hst_channel_put_float),    HASTEN_SYMBOL(hst_channel_put_complex), HASTEN_SYMBOL(hst_channel_put_array),
      HASTEN_SYMBOL(hst_channel_get_int),      HASTEN_SYMBOL(hst_channel_get_float),   HASTEN_SYMBOL(hst_channel_get_complex),
      HASTEN_SYMBOL(hst_channel_get_array),    HASTEN_SYMBOL(hst_channel_next_int),    HASTEN_SYMBOL(hst_channel_next_float),
      HASTEN_SYMBOL(hst_channel_next_complex), HASTEN_SYMBOL(hst_channel_next_array),  HASTEN_SYMBOL(hst_channel_close),
      HASTEN_SYMBOL(hst_channel_size),         HASTEN_SYMBOL(hst_channel_closed),
  };
  return symbols;
}

} // namespace hasten::parallel
