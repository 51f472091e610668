#include "hasten/bindings/pool_allocator.h"

#include <nanobind/nanobind.h>

#include "hasten/bindings/numpy_api.h"
#include "hasten/pool/kept_memory.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

constexpr const char* kCapsule = "mem_handler";

// Lives as long as the process: arrays refer to it.
struct ArrayMemory {
  explicit ArrayMemory(std::shared_ptr<pool::WorkerExchange> exchange, const PyDataMem_Handler& plain)
      : kept(std::move(exchange)), plain(plain.allocator) {}

  pool::KeptMemory kept;
  PyDataMemAllocator plain; // NumPy's own, which all memory comes from
};

ArrayMemory* array_memory = nullptr;
bool is_asked = false;

void* allocate(void* context, size_t size) {
  auto* memory = static_cast<ArrayMemory*>(context);
  void* kept = size >= pool::KeptMemory::kLeast ? memory->kept.take(size) : nullptr;
  return kept != nullptr ? kept : memory->plain.malloc(memory->plain.ctx, size);
}

// Zeros that nobody touches cost nothing where the memory is new.
void* allocate_zeros(void* context, size_t count, size_t size) {
  const auto* memory = static_cast<ArrayMemory*>(context);
  return memory->plain.calloc(memory->plain.ctx, count, size);
}

void* resize(void* context, void* block, size_t size) {
  const auto* memory = static_cast<ArrayMemory*>(context);
  return memory->plain.realloc(memory->plain.ctx, block, size);
}

void release(void* context, void* block, size_t size) {
  auto* memory = static_cast<ArrayMemory*>(context);
  if (size < pool::KeptMemory::kLeast || !memory->kept.keep(block)) {
    memory->plain.free(memory->plain.ctx, block, size);
  }
}

} // namespace

void keep_array_memory(const std::shared_ptr<pool::WorkerExchange>& exchange) {
  if (is_asked || !find_numpy()) {
    return;
  }
  is_asked = true;
  const nb::object current = nb::steal(PyDataMem_GetHandler());
  const auto* plain = static_cast<const PyDataMem_Handler*>(PyCapsule_GetPointer(PyDataMem_DefaultHandler, kCapsule));
  if (plain == nullptr || current.ptr() != PyDataMem_DefaultHandler || exchange->most_kept() == 0) {
    PyErr_Clear();
    return;
  }
  array_memory = new ArrayMemory(exchange, *plain);
  auto* handler = new PyDataMem_Handler{"hasten_pool", 1, {array_memory, allocate, allocate_zeros, resize, release}};
  const nb::object capsule = nb::steal(PyCapsule_New(handler, kCapsule, nullptr));
  const nb::object before = nb::steal(capsule.is_valid() ? PyDataMem_SetHandler(capsule.ptr()) : nullptr);
  PyErr_Clear();
}

bool keeps_array_memory() { return array_memory != nullptr && !array_memory->kept.is_empty(); }

void free_array_memory() {
  if (array_memory != nullptr) {
    array_memory->kept.drop();
  }
}

} // namespace hasten::bindings
