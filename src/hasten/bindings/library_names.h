// The names that the compiler knows functions of Python's and NumPy's libraries by, found by identity: numpy.abs and numpy.absolute are
// one.
#pragma once

#include <Python.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace hasten::bindings {

// Filled module by module, as they are needed and as the program imports them. GIL held in all calls.
class LibraryNames {
public:
  static LibraryNames& instance();

  // "numpy.linalg.norm", "builtins.len"; empty where the object is no public function or class of a library that the compiler knows.
  const std::string& find(PyObject* object);

private:
  struct Library {
    const char* module;
    Py_ssize_t seen; // entries of the module's dict when it was last read
  };

  LibraryNames();
  void read_new(Library& library);
  void read(const std::string& module, PyObject* names);

  std::vector<Library> libraries_;
  std::unordered_map<PyObject*, std::string> names_; // the objects are kept alive
};

} // namespace hasten::bindings
