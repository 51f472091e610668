#include "hasten/bindings/pool_submission.h"

#include <nanobind/stl/string.h>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_codec.h"
#include "hasten/bindings/pool_exchange.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// Null with a Python error where the items can't be encoded.
std::unique_ptr<pool::Task> make_task(const PoolCall& call, const nb::object& batch, const nb::object& items, PoolItems range) {
  auto task = std::make_unique<pool::Task>(call.like);
  task->base = range.index;
  task->end = static_cast<uint32_t>(range.count);
  if (!encode_plainly(PySequence_Fast_ITEMS(items.ptr()) + range.first, range.count, &task->body)) {
    const auto first = static_cast<Py_ssize_t>(range.first);
    const nb::object slice = nb::steal(PySequence_GetSlice(items.ptr(), first, first + static_cast<Py_ssize_t>(range.count)));
    if (!slice.is_valid() || !encode_with(call, slice, *task)) {
      return nullptr;
    }
  }
  own(*task, batch);
  return task;
}

} // namespace

void own(pool::Task& task, const nb::object& batch) {
  task.owner = batch.ptr();
  for (uint32_t item = 0; item < task.end; ++item) {
    batch.inc_ref();
  }
}

bool encode_with(const PoolCall& call, const nb::object& items, pool::Task& task) {
  const nb::object payload =
      nb::steal(call_python([&] { return PyObject_CallFunctionObjArgs(call.encode.ptr(), call.function.ptr(), items.ptr(), nullptr); }));
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (!payload.is_valid() || PyBytes_AsStringAndSize(payload.ptr(), &data, &size) != 0) {
    return false;
  }
  task.head = nullptr;
  task.body.assign(data, static_cast<size_t>(size));
  task.cargo = cargo_of(payload.ptr());
  return true;
}

void refuse(const nb::object& batch, size_t base, size_t count) {
  const nb::python_error error;
  auto& refused = *nb::inst_ptr<PoolBatch>(batch);
  for (size_t index = base; index < base + count; ++index) {
    refused.failures.append(nb::make_tuple(index, "refused", nb::borrow(error.value())));
  }
  refused.settle(count);
  if (!error.matches(PyExc_Exception)) {
    throw error;
  }
}

size_t submit_range(PoolSubmission& submission, const PoolCall& call, const nb::object& batch, const nb::object& items, PoolItems range) {
  std::unique_ptr<pool::Task> task = make_task(call, batch, items, range);
  if (task != nullptr) {
    const size_t size = task->body.size();
    submission.add(std::move(task));
    return size;
  }
  if (range.count == 1 || PyErr_ExceptionMatches(PyExc_Exception) == 0) {
    refuse(batch, range.index, range.count);
    return 0;
  }
  PyErr_Clear();
  size_t size = 0;
  for (size_t i = 0; i < range.count; ++i) {
    size = submit_range(submission, call, batch, items, {.first = range.first + i, .count = 1, .index = range.index + i});
  }
  return size;
}

} // namespace hasten::bindings
