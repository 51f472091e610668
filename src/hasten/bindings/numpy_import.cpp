#define HASTEN_IMPORTS_NUMPY
#include "hasten/bindings/numpy_api.h"

#include "hasten/bindings/numpy_import.h"

#include <atomic>

#include "hasten/bindings/python_error.h"

namespace hasten::bindings {
namespace {

std::atomic<bool> imported = false;

} // namespace

bool has_numpy() { return imported.load(std::memory_order_acquire); }

bool try_import_numpy() {
  if (has_numpy()) {
    return true;
  }
  if (_import_array() < 0 || _import_umath() < 0) {
    return false;
  }
  imported.store(true, std::memory_order_release);
  return true;
}

void import_numpy() {
  if (!try_import_numpy()) {
    throw diagnostic_of_python_error("NumPy can't be imported");
  }
}

bool find_numpy() {
  if (!has_numpy()) {
    PyObject* modules = PyImport_GetModuleDict();
    if (PyDict_GetItemString(modules, "numpy._core.multiarray") == nullptr) {
      return false;
    }
    import_numpy();
  }
  return true;
}

} // namespace hasten::bindings
