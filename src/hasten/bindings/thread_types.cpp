#include "hasten/bindings/thread_types.h"

#include "hasten/bindings/thread_channel.h"

#include <cstddef>

namespace hasten::bindings {
namespace {

struct Registered {
  const char* name;
  PyObject** slot;
};

PyObject** slot_of(PyTypeObject** type) { return reinterpret_cast<PyObject**>(type); }

PyObject* register_classes(PyObject*, PyObject* classes) {
  const Registered all[] = {
      {"future", slot_of(&thread_classes.future)},
      {"apply_result", slot_of(&thread_classes.apply_result)},
      {"map_result", slot_of(&thread_classes.map_result)},
      {"imap_iterator", slot_of(&thread_classes.imap_iterator)},
      {"standard_future", &thread_classes.standard_future},
      {"cancelled_error", &thread_classes.cancelled_error},
      {"pool_timeout_error", &thread_classes.pool_timeout_error},
      {"standard_queue", &thread_classes.standard_queue},
      {"empty", &thread_classes.empty},
      {"full", &thread_classes.full},
      {"closed", &thread_classes.closed},
      {"broken", &thread_classes.broken},
  };
  for (const Registered& one : all) {
    PyObject* given = PyDict_GetItemString(classes, one.name);
    if (given != nullptr) {
      replace(*one.slot, Py_NewRef(given));
    }
  }
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"register_thread_classes", register_classes, METH_O, "Tell the engine of the classes that hasten._threads makes of its own, by name."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

PyTypeObject* add_type(PyObject* module, const char* name, PyType_Spec* spec) {
  PyObject* type = PyType_FromSpec(spec);
  if (type != nullptr && PyModule_AddObject(module, name, type) != 0) {
    Py_CLEAR(type);
  }
  return reinterpret_cast<PyTypeObject*>(type);
}

bool init_threads(PyObject* module) {
  return init_thread_crew(module) && init_thread_future(module) && init_thread_result(module) && init_thread_imap(module) &&
         init_thread_channel(module) && init_value_channel(module) && init_thread_queue(module) && init_thread_recorder(module) &&
         PyModule_AddFunctions(module, functions) == 0;
}

} // namespace hasten::bindings
