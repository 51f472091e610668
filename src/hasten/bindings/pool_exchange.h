// The parent's end of a pool's shared memory as Python holds it, and the contents that pass through it. All functions need the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <memory>

#include "hasten/bindings/pool_buffers.h"
#include "hasten/pool/exchange.h"

namespace hasten::bindings {

// The content of a block that a worker sent a reference to: in place, or a copy where much is held already. No owner, with an error set,
// where there is no such block. `exchange` may be null.
PoolMemory take_block(pool::Exchange* exchange, const char* reference, size_t size);

// What the objects that a payload refers to keep alive: its attribute `cargo`.
std::shared_ptr<const void> cargo_of(PyObject* payload);

// The parent's exchange as Python holds it, or null where it has none.
std::shared_ptr<pool::Exchange> exchange_of(nanobind::handle exchange);

void add_pool_exchange(nanobind::module_& m);

} // namespace hasten::bindings
