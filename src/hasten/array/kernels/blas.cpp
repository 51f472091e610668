#include "hasten/array/kernels/blas.h"

#include <dlfcn.h>

#include <atomic>
#include <string>

namespace hasten::array {
namespace {

struct Spelling {
  const char* prefix;
  const char* suffix;
  bool ilp64;
};

// PyPI's NumPy brings scipy-openblas; others have OpenBLAS with or without 64-bit integers, or a plain CBLAS.
constexpr Spelling kSpellings[] = {
    {"scipy_cblas_", "64_", true}, {"cblas_", "64_", true}, {"scipy_cblas_", "", false}, {"cblas_", "", false}};

std::atomic<const BlasTable*> current{nullptr};

class Object {
public:
  explicit Object(const char* path) : handle_(dlopen(path, RTLD_LAZY | RTLD_NOLOAD)) {}
  ~Object() {
    if (handle_ != nullptr) {
      dlclose(handle_);
    }
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  bool is_loaded() const { return handle_ != nullptr; }
  void* find(const Spelling& spelling, const std::string& routine) const {
    return dlsym(handle_, (spelling.prefix + routine + spelling.suffix).c_str());
  }

private:
  void* handle_;
};

bool find_routines(const Object& object, const Spelling& spelling, char type, const char* dot, BlasRoutines* routines) {
  const auto find = [&](const char* name) { return object.find(spelling, std::string(1, type) + name); };
  routines->dot = find(dot);
  routines->gemv = find("gemv");
  routines->gemm = find("gemm");
  routines->syrk = find("syrk");
  return routines->dot != nullptr && routines->gemv != nullptr && routines->gemm != nullptr && routines->syrk != nullptr;
}

} // namespace

std::optional<BlasTable> find_blas(const char* path) {
  const Object object(path);
  if (!object.is_loaded()) {
    return std::nullopt;
  }
  for (const Spelling& spelling : kSpellings) {
    BlasTable table;
    table.ilp64 = spelling.ilp64;
    if (find_routines(object, spelling, 's', "dot", &table.f32) && find_routines(object, spelling, 'd', "dot", &table.f64) &&
        find_routines(object, spelling, 'c', "dotu_sub", &table.c64) && find_routines(object, spelling, 'z', "dotu_sub", &table.c128)) {
      return table;
    }
  }
  return std::nullopt;
}

void set_blas_table(const BlasTable& table) {
  static BlasTable kept;
  kept = table;
  current.store(&kept, std::memory_order_release);
}

const BlasTable* blas_table() { return current.load(std::memory_order_acquire); }

} // namespace hasten::array
