// What workers send of the values that their tasks return, turned into objects.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>

#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_codec.h"
#include "hasten/pool/exchange.h"

namespace hasten::bindings {

// All of it needs the GIL.
class PoolReader {
public:
  // `loads`: pickle's; `exchange`: the parent's, which outlives this, or null.
  PoolReader(nanobind::object loads, pool::Exchange* exchange);

  // A new reference to the value; null with an error set where it can't be had.
  PyObject* read(PoolTag kind, const char* data, size_t size) const;

private:
  PyObject* unpickle(const char* data, size_t size) const;
  PyObject* open_block(const char* data, size_t size) const;
  PyObject* open_array(const char* data, size_t size) const;

  nanobind::object loads_;
  pool::Exchange* exchange_;
};

} // namespace hasten::bindings
