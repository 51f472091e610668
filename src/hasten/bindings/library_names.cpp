#include "hasten/bindings/library_names.h"

#include <nanobind/nanobind.h>

#include <string_view>
#include <utility>

#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// An object that several of these have goes by its name in the first.
constexpr const char* kLibraries[] = {"builtins",  "math",   "cmath", "operator", "numpy",        "numpy.linalg", "numpy.random",
                                      "numpy.fft", "random", "time",  "hasten",   "hasten.numba", "hasten.mpi"};

// Names of different objects that mean the same.
constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {
    {"numpy.amax", "numpy.max"},
    {"numpy.amin", "numpy.min"},
    {"numpy.around", "numpy.round"},
    {"numpy.random.ranf", "numpy.random.random"},
    {"numpy.random.random_sample", "numpy.random.random"},
    {"numpy.random.sample", "numpy.random.random"},
};

// Functions and classes; exceptions are known by themselves.
bool has_library_name(PyObject* object) {
  if (PyModule_Check(object) || PyCallable_Check(object) == 0) {
    return false;
  }
  return !PyType_Check(object) ||
         PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(object), reinterpret_cast<PyTypeObject*>(PyExc_BaseException)) == 0;
}

// Whether the object itself goes by this name.
bool is_own_name(PyObject* object, const std::string& name) {
  const nb::object own = nb::steal(PyObject_GetAttrString(object, "__name__"));
  PyErr_Clear();
  return own.is_valid() && PyUnicode_Check(own.ptr()) && text_of(own.ptr()) == name;
}

std::string canonical(std::string name) {
  for (const auto& [synonym, meaning] : kSynonyms) {
    if (name == synonym) {
      return std::string(meaning);
    }
  }
  return name;
}

} // namespace

LibraryNames::LibraryNames() {
  for (const char* module : kLibraries) {
    libraries_.push_back({module, -1});
  }
}

LibraryNames& LibraryNames::instance() {
  static auto* const names = new LibraryNames;
  return *names;
}

const std::string& LibraryNames::find(PyObject* object) {
  static const std::string kNone;
  auto found = names_.find(object);
  for (Library& library : libraries_) {
    if (found != names_.end()) {
      return found->second;
    }
    read_new(library);
    found = names_.find(object);
  }
  return found == names_.end() ? kNone : found->second;
}

// Reads a module that was imported, or has grown, since the last time.
void LibraryNames::read_new(Library& library) {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), library.module);
  PyObject* names = module != nullptr && PyModule_Check(module) ? PyModule_GetDict(module) : nullptr;
  if (names != nullptr && PyDict_GET_SIZE(names) != library.seen) {
    library.seen = PyDict_GET_SIZE(names);
    read(library.module, names);
  }
}

void LibraryNames::read(const std::string& module, PyObject* names) {
  const std::string prefix = module + ".";
  const nb::object copy = nb::steal(PyDict_Copy(names)); // reading attributes may run code that changes the module
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(copy.ptr(), &position, &key, &value) != 0) {
    if (!PyUnicode_Check(key) || !has_library_name(value)) {
      continue;
    }
    const std::string name = text_of(key);
    if (name.empty() || name[0] == '_') {
      continue;
    }
    auto [entry, is_new] = names_.emplace(value, std::string());
    if (is_new) {
      Py_INCREF(value);
    }
    const bool is_ours = entry->second.compare(0, prefix.size(), prefix) == 0;
    if (is_new || (is_ours && is_own_name(value, name))) {
      entry->second = canonical(prefix + name);
    }
  }
}

} // namespace hasten::bindings
