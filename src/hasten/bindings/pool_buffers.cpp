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
    return PyObject_Call(loads, positional.ptr(), keywords.ptr());
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

// --- the parent's side ---

PoolMemory take_block(pool::Exchange* exchange, const char* reference, size_t size) {
  pool::shm::BlockRef block{};
  std::memcpy(&block, reference, std::min(size, sizeof block));
  const std::shared_ptr<pool::Delivery> delivery = exchange != nullptr ? exchange->receive(block) : nullptr;
  if (delivery == nullptr) {
    PyErr_SetString(PyExc_ValueError, "a worker sent a result that lies in no memory of its own");
    return {};
  }
  if (exchange->should_copy()) {
    return copy_parcel(delivery->data(), delivery->size());
  }
  return {delivery, delivery->data(), delivery->size(), true};
}

namespace {

// Tasks below are copied through a lane, which takes a worker less time than to map a block and to unmap it.
constexpr size_t kLeastInBlock = size_t{64} << 10;
// What a worker keeps of the memory that its arrays have freed.
constexpr size_t kMostKept = size_t{256} << 20;

struct PoolCargo {
  std::shared_ptr<pool::Cargo> cargo;

  nb::bytes reference() const {
    std::array<char, 1 + sizeof(pool::shm::BlockRef)> text{kBlockMark};
    std::memcpy(text.data() + 1, &cargo->block(), sizeof(pool::shm::BlockRef));
    return nb::bytes(text.data(), text.size());
  }
};

class PoolExchange {
public:
  explicit PoolExchange(std::shared_ptr<pool::Exchange> exchange) : exchange_(std::move(exchange)) {}

  static nb::object reserve(uint64_t most, bool keeps_freed) {
    try {
      return nb::cast(PoolExchange(std::make_shared<pool::Exchange>(most, keeps_freed ? kMostKept : 0)));
    } catch (const base::Diagnostic&) {
      return nb::none();
    }
  }

  const std::shared_ptr<pool::Exchange>& shared() const { return exchange_; }

  nb::tuple pack(const nb::bytes& pickled, const nb::list& buffers) {
    const Parcel parcel(pickled.ptr(), buffers.ptr());
    if (parcel.size() >= kLeastInBlock) {
      if (std::shared_ptr<pool::Cargo> cargo = put(parcel)) {
        PoolCargo wrapped{std::move(cargo)};
        nb::bytes reference = wrapped.reference();
        return nb::make_tuple(reference, nb::make_tuple(std::move(wrapped)));
      }
    }
    return nb::make_tuple(inline_parcel(parcel), nb::tuple());
  }

  // A block that workers may keep decoded, or None.
  nb::object store(const nb::bytes& pickled, const nb::list& buffers) {
    std::shared_ptr<pool::Cargo> cargo = put(Parcel(pickled.ptr(), buffers.ptr()));
    if (cargo == nullptr) {
      return nb::none();
    }
    cargo->let_keep();
    return nb::cast(PoolCargo{std::move(cargo)});
  }

private:
  std::shared_ptr<pool::Cargo> put(const Parcel& parcel) {
    std::shared_ptr<pool::Cargo> cargo = exchange_->put(parcel.size());
    if (cargo == nullptr || !parcel.pour([&](size_t at, const void* data, size_t size) { return cargo->write(at, data, size); })) {
      return nullptr;
    }
    cargo->is_whole();
    return cargo;
  }

  static nb::bytes inline_parcel(const Parcel& parcel) {
    nb::object bytes = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(1 + parcel.size())));
    if (!bytes.is_valid()) {
      nb::raise_python_error();
    }
    char* into = PyBytes_AS_STRING(bytes.ptr());
    into[0] = kInlineMark;
    parcel.pour([&](size_t at, const void* data, size_t size) {
      std::memcpy(into + 1 + at, data, size);
      return true;
    });
    return nb::borrow<nb::bytes>(bytes);
  }

  std::shared_ptr<pool::Exchange> exchange_;
};

} // namespace

std::shared_ptr<const void> cargo_of(PyObject* payload) {
  if (PyBytes_CheckExact(payload) != 0) {
    return nullptr;
  }
  auto all = std::make_shared<std::vector<std::shared_ptr<const pool::Cargo>>>();
  for (nb::handle one : nb::borrow<nb::tuple>(nb::getattr(payload, "cargo"))) {
    all->push_back(nb::cast<const PoolCargo&>(one).cargo);
  }
  return all;
}

std::shared_ptr<pool::Exchange> exchange_of(nb::handle exchange) {
  return exchange.is_none() ? nullptr : nb::cast<const PoolExchange&>(exchange).shared();
}

void add_pool_buffers(nb::module_& m) {
  static std::array<PyType_Slot, 2> slots = memory_slots();
  nb::class_<PoolMemory>(m, "PoolMemory", "Memory that a task's arguments or its result lie in.", nb::type_slots(slots.data()))
      .def("__len__", [](const PoolMemory& self) { return self.size; });
  nb::class_<PoolCargo>(m, "PoolCargo", "A block of shared memory that holds arguments; used again when nobody refers to it.")
      .def_prop_ro("reference", &PoolCargo::reference, "What a worker opens it by.");
  nb::class_<PoolExchange>(m, "PoolExchange", "The parent's end of a pool's shared memory for large contents.", nb::is_weak_referenceable())
      .def_static(
          "reserve", &PoolExchange::reserve, nb::arg("most"), nb::arg("keeps_freed"),
          nb::sig("def reserve(most: int, keeps_freed: bool) -> PoolExchange | None"),
          "Return one of at most so many bytes, or None where the system refuses it. `keeps_freed`: whether workers keep memory that "
          "their arrays have freed.")
      .def_static("before_fork", &pool::Exchange::before_fork, "Isolate the results that this process holds from its fork to come.")
      .def("pack", &PoolExchange::pack, nb::arg("pickled"), nb::arg("buffers"),
           nb::sig("def pack(self, pickled: bytes, buffers: list[Any]) -> tuple[bytes, tuple[PoolCargo, ...]]"),
           "Return a part of a payload, and the blocks that it refers to.")
      .def("store", &PoolExchange::store, nb::arg("pickled"), nb::arg("buffers"),
           nb::sig("def store(self, pickled: bytes, buffers: list[Any]) -> PoolCargo | None"),
           "Return a block that workers may keep decoded as long as it lives, or None where there is no room.")
      .def_prop_ro("bytes_sent", [](const PoolExchange& self) { return self.shared()->bytes_sent(); })
      .def_prop_ro("bytes_used", [](const PoolExchange& self) { return self.shared()->bytes_used(); });
}

} // namespace hasten::bindings
