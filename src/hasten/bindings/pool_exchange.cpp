#include "hasten/bindings/pool_exchange.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "hasten/base/diagnostic.h"

namespace nb = nanobind;

namespace hasten::bindings {

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

void add_pool_exchange(nb::module_& m) {
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
