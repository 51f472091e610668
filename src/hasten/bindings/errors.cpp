#include "hasten/bindings/errors.h"

#include <frameobject.h>

#include <new>
#include <optional>
#include <string>

#include "hasten/bindings/boxing.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

namespace nb = nanobind;
using abi::ErrorKind;

// Moves the exception that is set out of the way, and back again.
class PendingError {
public:
#if PY_VERSION_HEX >= 0x030C0000
  PendingError() : value_(PyErr_GetRaisedException()) {}
  void restore() { PyErr_SetRaisedException(value_); }

private:
  PyObject* value_;
#else
  PendingError() { PyErr_Fetch(&type_, &value_, &traceback_); }
  void restore() { PyErr_Restore(type_, value_, traceback_); }

private:
  PyObject* type_ = nullptr;
  PyObject* value_ = nullptr;
  PyObject* traceback_ = nullptr;
#endif
};

// A frame that only says where something happened. Null with an exception set.
PyFrameObject* make_frame(const char* file, const char* function, int line) {
  PyCodeObject* code = PyCode_NewEmpty(file, function, line);
  PyObject* globals = code != nullptr ? PyDict_New() : nullptr;
  PyFrameObject* frame = globals != nullptr ? PyFrame_New(PyThreadState_Get(), code, globals, nullptr) : nullptr;
  Py_XDECREF(globals);
  Py_XDECREF(code);
  return frame;
}

void add_traceback_entry(const std::string& file_and_name, int line) {
  const size_t separator = file_and_name.find('\0');
  const std::string file = file_and_name.substr(0, separator);
  const std::string qualified = separator == std::string::npos ? std::string() : file_and_name.substr(separator + 1);
  const std::string name = qualified.substr(qualified.rfind('.') + 1);

  PendingError pending;
  PyFrameObject* frame = make_frame(file.c_str(), name.c_str(), line);
  PyErr_Clear();
  pending.restore();
  if (frame != nullptr) {
    PyTraceBack_Here(frame);
    Py_DECREF(frame);
  }
}

void add_trace(const compiler::Unit& unit, const abi::Env& env) {
  for (int i = 0; i < env.trace_count; ++i) {
    const ir::Location& location = unit.locations[static_cast<size_t>(env.trace[i])];
    add_traceback_entry(unit.names[location.function], location.line);
  }
}

PyObject* lin_alg_error() {
  static PyObject* type = nullptr;
  if (type == nullptr) {
    PyObject* module = PyImport_ImportModule("numpy.linalg");
    type = module != nullptr ? PyObject_GetAttrString(module, "LinAlgError") : nullptr;
    Py_XDECREF(module);
  }
  return type;
}

PyObject* class_of(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::kIndexError:
    return PyExc_IndexError;
  case ErrorKind::kValueError:
    return PyExc_ValueError;
  case ErrorKind::kTypeError:
    return PyExc_TypeError;
  case ErrorKind::kZeroDivisionError:
    return PyExc_ZeroDivisionError;
  case ErrorKind::kOverflowError:
    return PyExc_OverflowError;
  case ErrorKind::kMemoryError:
    return PyExc_MemoryError;
  case ErrorKind::kRecursionError:
    return PyExc_RecursionError;
  case ErrorKind::kUnboundLocalError:
    return PyExc_UnboundLocalError;
  case ErrorKind::kLinAlgError:
    return lin_alg_error();
  case ErrorKind::kRuntimeError:
    return PyExc_RuntimeError;
  case ErrorKind::kAssertionError:
    return PyExc_AssertionError;
  case ErrorKind::kFloatingPointError:
    return PyExc_FloatingPointError;
  case ErrorKind::kChannelClosed:
    return thread_classes.closed;
  case ErrorKind::kQueueFull:
    return thread_classes.full;
  case ErrorKind::kQueueEmpty:
    return thread_classes.empty;
  case ErrorKind::kNone:
  case ErrorKind::kSystemError:
    break;
  }
  return PyExc_SystemError;
}

void set_raised(const RaiseContext& context, const abi::Env& env) {
  const ir::RaiseSite& site = context.unit.sites[static_cast<size_t>(env.site)];
  PyObject* raised = context.bindings[static_cast<size_t>(site.exception)].ptr();
  const uint64_t* slots = env.payload;
  PyObject* arguments = box_items(site.arguments, context.dialect, &slots);
  if (arguments == nullptr) {
    return;
  }
  PyObject* value = site.is_instance ? Py_NewRef(raised) : PyObject_Call(raised, arguments, nullptr);
  Py_DECREF(arguments);
  if (value == nullptr) {
    return;
  }
  if (PyExceptionInstance_Check(value)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(value)), value);
  } else {
    PyErr_SetString(PyExc_TypeError, "exceptions must derive from BaseException");
  }
  Py_DECREF(value);
}

} // namespace

void set_runtime_error(const abi::Env& env) {
  PyObject* type = class_of(env.error);
  if (type != nullptr && env.message[0] == '\0') {
    PyErr_SetNone(type);
  } else if (type != nullptr) {
    PyErr_SetString(type, env.message);
  }
}

void set_exception(const RaiseContext& context, const abi::Env& env, abi::Status status) {
  switch (status) {
  case abi::Status::kRaise:
    set_raised(context, env);
    break;
  case abi::Status::kRuntimeError:
    set_runtime_error(env);
    break;
  default:
    if (PyErr_Occurred() == nullptr) {
      PyErr_SetString(PyExc_SystemError, "compiled code failed without saying why");
    }
  }
  add_trace(context.unit, env);
}

void throw_python(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  nb::raise_python_error();
}

void set_exception_from_current() noexcept {
  try {
    throw;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const base::Diagnostic& diagnostic) {
    set_exception(diagnostic);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_SystemError, error.what());
  } catch (const ::abi::__forced_unwind&) {
    stay_for_ever();
  } catch (...) {
    PyErr_SetString(PyExc_SystemError, "an unknown C++ exception");
  }
}

int32_t handle_signals(abi::Env* env) {
  const bool holds_gil = (env->flags & abi::kHoldsGil) != 0;
  std::optional<GilHeld> gil;
  if (!holds_gil) {
    gil.emplace();
  }
  const bool raised = PyErr_CheckSignals() != 0;
  return static_cast<int32_t>(raised ? abi::Status::kPythonError : abi::Status::kOk);
}

} // namespace hasten::bindings
