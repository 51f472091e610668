#include "hasten/bindings/profile.h"

#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000
#define Py_BUILD_CORE
#include <internal/pycore_interp.h>
#undef Py_BUILD_CORE
#endif

#include <frameobject.h>
#include <nanobind/nanobind.h>
#include <structmember.h>

#include <vector>

namespace hasten::bindings {
namespace {

namespace nb = nanobind;

struct NativeCall {
  PyObject_HEAD vectorcallfunc vectorcall;
};

vectorcallfunc call_dispatcher = nullptr;
PyObject* native_call = nullptr;

// The first argument is the dispatcher, the rest is for it.
PyObject* call_native(PyObject*, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (nargs < 1) {
    PyErr_SetString(PyExc_TypeError, "native_call needs a dispatcher");
    return nullptr;
  }
  return call_dispatcher(args[0], args + 1, static_cast<size_t>(nargs - 1), kwnames);
}

// A new reference, or null with an exception set. The profiler doesn't see it being made.
PyObject* make_trampoline(PyObject* function) {
  PyThreadState* thread = PyThreadState_Get();
  PyThreadState_EnterTracing(thread);
  PyObject* made = nullptr;
  try {
    made =
        nb::module_::import_("hasten._dispatcher").attr("make_trampoline")(nb::handle(function), nb::handle(native_call)).release().ptr();
  } catch (nb::python_error& error) {
    error.restore();
  }
  PyThreadState_LeaveTracing(thread);
  return made;
}

// Takes the trampoline, the outermost entry, out of the traceback of the exception that is set.
void forget_trampoline() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (traceback != nullptr && PyTraceBack_Check(traceback)) {
    PyObject* inner = Py_XNewRef(reinterpret_cast<PyTracebackObject*>(traceback)->tb_next);
    if (value != nullptr && PyExceptionInstance_Check(value)) {
      PyException_SetTraceback(value, inner != nullptr ? inner : Py_None);
    }
    Py_SETREF(traceback, inner);
  }
  PyErr_Restore(type, value, traceback);
}

} // namespace

bool monitoring_is_active() {
#if PY_VERSION_HEX >= 0x030D0000
  static PyMonitoringState state;
  static uint64_t version = 0;
  static const uint8_t event = PY_MONITORING_EVENT_PY_START;
  if (PyMonitoring_EnterScope(&state, &version, &event, 1) != 0) {
    PyErr_Clear();
    return false;
  }
  PyMonitoring_ExitScope();
  return state.active != 0;
#elif PY_VERSION_HEX >= 0x030C0000
  return PyInterpreterState_Get()->monitors.tools[PY_MONITORING_EVENT_PY_START] != 0;
#else
  return false;
#endif
}

PyObject* call_through_trampoline(PyObject* dispatcher, PyObject* function, PyObject** trampoline, PyObject* const* args, size_t nargsf,
                                  PyObject* kwnames) {
  if (*trampoline == nullptr) {
    *trampoline = make_trampoline(function);
    if (*trampoline == nullptr) {
      return nullptr;
    }
  }
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  const Py_ssize_t named = kwnames != nullptr ? PyTuple_GET_SIZE(kwnames) : 0;
  std::vector<PyObject*> all{dispatcher};
  all.insert(all.end(), args, args + nargs + named);
  PyObject* result = PyObject_Vectorcall(*trampoline, all.data(), static_cast<size_t>(nargs + 1), kwnames);
  if (result == nullptr) {
    forget_trampoline();
  }
  return result;
}

bool init_profile(PyObject* module, vectorcallfunc call) {
  call_dispatcher = call;
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(NativeCall, vectorcall), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_members, members},
      {0, nullptr},
  };
  static PyType_Spec spec = {"hasten._core.NativeCall", sizeof(NativeCall), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                             slots};
  PyObject* type = PyType_FromSpec(&spec);
  if (type == nullptr) {
    return false;
  }
  native_call = reinterpret_cast<PyTypeObject*>(type)->tp_alloc(reinterpret_cast<PyTypeObject*>(type), 0);
  Py_DECREF(type);
  if (native_call == nullptr) {
    return false;
  }
  reinterpret_cast<NativeCall*>(native_call)->vectorcall = call_native;
  return PyModule_AddObjectRef(module, "native_call", native_call) == 0;
}

} // namespace hasten::bindings
