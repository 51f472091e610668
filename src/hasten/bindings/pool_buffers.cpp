#include "hasten/bindings/pool_buffers.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "hasten/base/diagnostic.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

constexpr size_t kAlignment = 64;
constexpr std::array<char, kAlignment> kPadding{};

constexpr size_t aligned(size_t size) { return (size + kAlignment - 1) & ~(kAlignment - 1); }

} // namespace

// The layout: the sizes of pickle and buffers with their number before them, then each of these at a multiple of kAlignment.
Parcel::Parcel(PyObject* pickled, PyObject* buffers) {
  const Py_ssize_t count = buffers == nullptr ? 0 : PyList_GET_SIZE(buffers);
  views_.reserve(static_cast<size_t>(count));
  header_ = {static_cast<uint64_t>(count), static_cast<uint64_t>(PyBytes_GET_SIZE(pickled))};
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_buffer view{};
    if (PyObject_GetBuffer(PyList_GET_ITEM(buffers, i), &view, PyBUF_ANY_CONTIGUOUS) != 0) {
      for (Py_buffer& taken : views_) {
        PyBuffer_Release(&taken);
      }
      nb::raise_python_error();
    }
    views_.push_back(view);
    header_.push_back(static_cast<uint64_t>(view.len));
  }
  add(header_.data(), header_.size() * sizeof(uint64_t));
  align(kAlignment);
  add(PyBytes_AS_STRING(pickled), static_cast<size_t>(PyBytes_GET_SIZE(pickled)));
  for (const Py_buffer& view : views_) {
    align(kAlignment);
    add(view.buf, static_cast<size_t>(view.len));
  }
}

Parcel::~Parcel() {
  for (Py_buffer& view : views_) {
    PyBuffer_Release(&view);
  }
}

void Parcel::add(const void* data, size_t size) {
  if (size > 0) {
    pieces_.push_back({data, size});
    size_ += size;
  }
}

void Parcel::align(size_t alignment) { add(kPadding.data(), (alignment - size_ % alignment) % alignment); }

// --- memory that Python views ---

namespace {

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto* memory = nb::inst_ptr<PoolMemory>(self);
  return PyBuffer_FillInfo(view, self, memory->data, static_cast<Py_ssize_t>(memory->size), memory->is_writable ? 0 : 1, flags);
}

std::array<PyType_Slot, 2> memory_slots() { return {{{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)}, {0, nullptr}}}; }

PyObject* view_of(const PoolMemory& memory) {
  nb::object exporter = nb::cast(memory);
  return PyMemoryView_FromObject(exporter.ptr());
}

// The parts of a parcel, checked: what another process wrote may be nonsense.
struct Parts {
  explicit Parts(const PoolMemory& memory) : memory(memory) {
    if (memory.size < 2 * sizeof(uint64_t)) {
      throw std::invalid_argument("a parcel is too short");
    }
    std::memcpy(&count, memory.data, sizeof count);
    if (count > memory.size / sizeof(uint64_t) - 2) {
      throw std::invalid_argument("a parcel says that it has more parts than it can have");
    }
    at = (count + 2) * sizeof(uint64_t);
  }
  PoolMemory next() {
    uint64_t size = 0;
    std::memcpy(&size, memory.data + (1 + taken++) * sizeof(uint64_t), sizeof size);
    at = aligned(at);
    if (size > memory.size || at > memory.size - size) {
      // Nothing was written behind an empty last part.
      if (size != 0) {
        throw std::invalid_argument("a parcel is shorter than it says");
      }
      at = memory.size;
    }
    PoolMemory part{memory.owner, memory.data + at, size, memory.is_writable};
    at += size;
    return part;
  }

  const PoolMemory& memory;
  uint64_t count = 0;
  size_t taken = 0;
  size_t at;
};

} // namespace

PyObject* open_parcel(PyObject* loads, const PoolMemory& memory) {
  try {
    Parts parts(memory);
    PoolMemory part = parts.next();
    part.is_writable = false;
    nb::object pickled = nb::steal(view_of(part));
    nb::list buffers;
    for (uint64_t i = 0; i < parts.count; ++i) {
      buffers.append(nb::steal(view_of(parts.next())));
    }
    nb::dict keywords;
    keywords["buffers"] = buffers;
    PyObject* argument = pickled.ptr();
    nb::object positional = nb::steal(PyTuple_Pack(1, argument));
    return call_python([&] { return PyObject_Call(loads, positional.ptr(), keywords.ptr()); });
  } catch (const std::invalid_argument& nonsense) {
    PyErr_SetString(PyExc_ValueError, nonsense.what());
  } catch (nb::python_error& error) {
    error.restore();
  }
  return nullptr;
}

PoolMemory copy_parcel(const char* data, size_t size) {
  const std::shared_ptr<char> copy(static_cast<char*>(std::aligned_alloc(kAlignment, aligned(size + 1))), std::free);
  if (copy == nullptr) {
    throw std::bad_alloc();
  }
  std::memcpy(copy.get(), data, size);
  return {copy, copy.get(), size, true};
}

void add_pool_memory(nb::module_& m) {
  static std::array<PyType_Slot, 2> slots = memory_slots();
  nb::class_<PoolMemory>(m, "PoolMemory", "Memory that a task's arguments or its result lie in.", nb::type_slots(slots.data()))
      .def("__len__", [](const PoolMemory& self) { return self.size; });
}

} // namespace hasten::bindings
