// How objects of types that are made from a PyType_Spec end.
#pragma once

#include <Python.h>

namespace hasten::bindings {

// The first step of a destructor, for types with Py_TPFLAGS_HAVE_GC: neither the collector nor weak references find the object any more.
inline void withdraw(PyObject* self, PyObject* weak_references = nullptr) {
  PyObject_GC_UnTrack(self);
  if (weak_references != nullptr) {
    PyObject_ClearWeakRefs(self);
  }
}

// The last one, when what the object holds is gone: gives back its memory, and its count of the type.
inline void free_object(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

} // namespace hasten::bindings
