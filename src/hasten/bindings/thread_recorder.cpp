// Keeps what a thread's function returns or raises, without a frame of its own in tracebacks.
#include <Python.h>
#include <structmember.h>

#include <cstddef>

#include "hasten/bindings/python_type.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

struct RecorderObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* function;
  PyObject* thread;
};

PyTypeObject* recorder_type = nullptr;

RecorderObject* cast(PyObject* self) { return reinterpret_cast<RecorderObject*>(self); }

bool keep_value(PyObject* thread, PyObject* value) {
  return (value == Py_None || PyObject_SetAttrString(thread, "_value", value) == 0) &&
         PyObject_SetAttrString(thread, "_exception", Py_None) == 0;
}

void keep_exception(PyObject* thread) {
  PyObject* exception = take_exception();
  if (PyObject_SetAttrString(thread, "_exception", exception) != 0) {
    PyErr_Clear();
  }
  raise_again(exception);
  Py_DECREF(exception);
}

PyObject* call(PyObject* object, PyObject* const* args, size_t count, PyObject* keywords) {
  RecorderObject* self = cast(object);
  PyObject* thread = Py_NewRef(self->thread); // the thread may drop this object meanwhile
  PyObject* result = PyObject_Vectorcall(self->function, args, count, keywords);
  if (result == nullptr) {
    keep_exception(thread);
  } else if (!keep_value(thread, result)) {
    Py_CLEAR(result);
  }
  Py_DECREF(thread);
  return result;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* function = nullptr;
  PyObject* thread = nullptr;
  if (PyArg_UnpackTuple(args, "Recorder", 2, 2, &function, &thread) == 0) {
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    cast(self)->vectorcall = call;
    cast(self)->function = Py_NewRef(function);
    cast(self)->thread = Py_NewRef(thread);
  }
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->function);
  Py_VISIT(cast(self)->thread);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->function);
  Py_CLEAR(cast(self)->thread);
  return 0;
}

void dealloc(PyObject* self) {
  withdraw(self);
  clear(self);
  free_object(self);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(RecorderObject, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {Py_tp_doc, const_cast<char*>("Recorder(function, thread, /)\n--\n\nCalls a function and keeps its value or exception in a thread.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.Recorder", sizeof(RecorderObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};

} // namespace

bool init_thread_recorder(PyObject* module) {
  recorder_type = add_type(module, "Recorder", &spec);
  return recorder_type != nullptr;
}

} // namespace hasten::bindings
