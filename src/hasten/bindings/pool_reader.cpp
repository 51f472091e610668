#include "hasten/bindings/pool_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_array.h"
#include "hasten/bindings/pool_exchange.h"

namespace nb = nanobind;

namespace hasten::bindings {

PoolReader::PoolReader(nb::object loads, pool::Exchange* exchange) : loads_(std::move(loads)), exchange_(exchange) {}

PyObject* PoolReader::read(PoolTag kind, const char* data, size_t size) const {
  switch (kind) {
  case PoolTag::kPickle:
    return unpickle(data, size);
  case PoolTag::kParcel:
    return open_parcel(loads_.ptr(), copy_parcel(data, size));
  case PoolTag::kBlock:
    return open_block(data, size);
  case PoolTag::kArrayInBlock:
    return open_array(data, size);
  default:
    return decode_scalar(kind, data, size);
  }
}

PyObject* PoolReader::unpickle(const char* data, size_t size) const {
  // Unpickling copies what it keeps, so a view of the ring will do.
  nb::object view = nb::steal(PyMemoryView_FromMemory(const_cast<char*>(data), static_cast<Py_ssize_t>(size), PyBUF_READ));
  return view.is_valid() ? call_python([&] { return PyObject_CallOneArg(loads_.ptr(), view.ptr()); }) : nullptr;
}

PyObject* PoolReader::open_block(const char* data, size_t size) const {
  const PoolMemory memory = take_block(exchange_, data, size);
  return memory.owner != nullptr ? open_parcel(loads_.ptr(), memory) : nullptr;
}

PyObject* PoolReader::open_array(const char* data, size_t size) const {
  const PoolMemory memory = take_block(exchange_, data, size);
  if (memory.owner == nullptr) {
    return nullptr;
  }
  const nb::object owner = nb::cast(memory);
  const std::string_view record(data, size);
  return view_array(record.substr(std::min(size, sizeof(pool::shm::BlockRef))), memory.data, memory.size, owner.ptr());
}

} // namespace hasten::bindings
