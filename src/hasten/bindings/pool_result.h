// The result of one call, or of all calls of a map: a batch that becomes a value or an exception. The GIL guards it.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>

#include "hasten/bindings/pool_batch.h"

namespace hasten::bindings {

// Most results come whole, with nobody to call back: the engine finishes those itself. Of the others hasten._pool takes over what came, one
// thread at a time.
class PoolResult : public PoolBatch {
public:
  PoolResult(nanobind::object pool, nanobind::object crew, nanobind::object options, size_t length, bool is_single,
             nanobind::object callback, nanobind::object error_callback);

  // --- the engine's side ---
  void put(uint64_t index, PyObject* value) override;
  bool finish() override;

  // --- taking over ---
  // Whether there is something to take over and this thread is to do it; end_settling() follows.
  bool begin_settling();
  // Whether another thread wanted to meanwhile.
  bool end_settling();
  // The value is whole, or there is an exception; `get` need not wait from here on.
  void close();
  nanobind::object value() const;

  // Null with an exception set.
  PyObject* get(nanobind::handle self, nanobind::handle timeout);

  int traverse(visitproc visit, void* arg) const;
  void clear();

  nanobind::object pool; // lives as long as there is work for it
  nanobind::object crew;
  nanobind::object options;
  nanobind::object callback;
  nanobind::object error_callback;
  nanobind::object error; // None where there is none
  bool is_ready = false;
  bool is_watched = false; // somebody is to be told of the end

private:
  nanobind::object value_; // of a single call; else the list of results
  const bool is_single_;
  bool is_settling_ = false;
  bool is_contended_ = false;
};

void add_pool_result(nanobind::module_& m);

} // namespace hasten::bindings
