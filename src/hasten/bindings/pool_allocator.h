// NumPy's memory in a worker of a pool.
#pragma once

#include <memory>

#include "hasten/pool/exchange.h"

namespace hasten::bindings {

// From now on, arrays that this thread makes take memory that large arrays have freed, if NumPy allocates as it does by itself. To be
// called whenever arrays may be in use: only the first call after NumPy's import counts. GIL held.
void keep_array_memory(const std::shared_ptr<pool::WorkerExchange>& exchange);

// Whether there is something to free, and freeing it. GIL held.
bool keeps_array_memory();
void free_array_memory();

} // namespace hasten::bindings
