#include "hasten/bindings/dispatcher.h"

#include <structmember.h>

#include <new>

#include "hasten/bindings/code_cache.h"
#include "hasten/bindings/dispatch.h"
#include "hasten/bindings/dispatcher_options.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/profile.h"
#include "hasten/bindings/python_type.h"
#include "hasten/bindings/type_text.h"

namespace hasten::bindings {
namespace {

struct Dispatcher {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* dict;
  PyObject* weak_references;
  PyObject* trampoline; // for profilers; made on demand
  Dispatch* dispatch;
};

PyTypeObject* dispatcher_type = nullptr;

Dispatcher* cast(PyObject* self) { return reinterpret_cast<Dispatcher*>(self); }
Dispatch& dispatch_of(PyObject* self) { return *cast(self)->dispatch; }

// Within try blocks: as dispatch_of, for what Python may call before __init__.
Dispatch& ready_dispatch(PyObject* self) {
  if (cast(self)->dispatch == nullptr) {
    throw_python(PyExc_TypeError, "this dispatcher has no function yet");
  }
  return dispatch_of(self);
}

// ---------------------------------------------------------------- calls

PyObject* call_native(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return dispatch_of(self).call(args, nargsf, kwnames);
}

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  if (profiler_is_active()) [[unlikely]] {
    return call_through_trampoline(self, dispatch_of(self).function(), &cast(self)->trampoline, args, nargsf, kwnames);
  }
  return dispatch_of(self).call(args, nargsf, kwnames);
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  return instance == nullptr || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

// ---------------------------------------------------------------- life

PyObject* call_unready(PyObject*, PyObject* const*, size_t, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "this dispatcher has no function yet");
  return nullptr;
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    cast(self)->vectorcall = call_unready;
  }
  return self;
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  DispatcherOptions options;
  if (!parse_options(args, kwargs, &options)) {
    return -1;
  }
  if (cast(self)->dispatch != nullptr) {
    PyErr_SetString(PyExc_TypeError, "this dispatcher has its function already");
    return -1;
  }
  try {
    cast(self)->dispatch = new Dispatch(self, options);
    cast(self)->vectorcall = call;
    return 0;
  } catch (...) {
    set_exception_from_current();
    return -1;
  }
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->dict);
  Py_VISIT(cast(self)->trampoline);
  return cast(self)->dispatch != nullptr ? dispatch_of(self).traverse(visit, arg) : 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->dict);
  Py_CLEAR(cast(self)->trampoline);
  if (cast(self)->dispatch != nullptr) {
    dispatch_of(self).clear();
  }
  return 0;
}

void dealloc(PyObject* self) {
  withdraw(self, cast(self)->weak_references);
  clear(self);
  delete cast(self)->dispatch;
  free_object(self);
}

// A class made in Python inherits neither flag before 3.12; without them each call would pack a tuple, and each method call make an object.
PyObject* init_subclass(PyObject* subclass, PyObject*) {
  auto* type = reinterpret_cast<PyTypeObject*>(subclass);
  if (type->tp_call == dispatcher_type->tp_call) {
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  }
  if (type->tp_descr_get == dispatcher_type->tp_descr_get) {
    type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  }
  PyType_Modified(type);
  Py_RETURN_NONE;
}

// ---------------------------------------------------------------- attributes

// What `body` returns, given the dispatch; null with an exception set where it throws.
template <typename Body> PyObject* guarded(PyObject* self, Body body) {
  try {
    return body(ready_dispatch(self));
  } catch (...) {
    set_exception_from_current();
    return nullptr;
  }
}

// Attributes of the Python function that tools look for.
PyObject* function_attribute(PyObject* self, void* name) {
  return guarded(self, [name](Dispatch& dispatch) { return PyObject_GetAttrString(dispatch.function(), static_cast<const char*>(name)); });
}

PyObject* py_func(PyObject* self, void*) {
  return guarded(self, [](Dispatch& dispatch) { return Py_NewRef(dispatch.function()); });
}

PyObject* is_ready(PyObject* self, void*) { return PyBool_FromLong(cast(self)->dispatch != nullptr ? 1 : 0); }

PyObject* can_compile(PyObject* self, void*) {
  return guarded(self, [](Dispatch& dispatch) { return PyBool_FromLong(dispatch.can_compile() ? 1 : 0); });
}

int set_can_compile(PyObject* self, PyObject* value, void*) {
  const int can = value != nullptr ? PyObject_IsTrue(value) : 0;
  PyObject* done = can < 0 ? nullptr
                           : guarded(
                                 self,
                                 [can](Dispatch& dispatch) {
                                   dispatch.set_can_compile(can == 1);
                                   return Py_NewRef(Py_None);
                                 });
  Py_XDECREF(done);
  return done != nullptr ? 0 : -1;
}

// For people or, in numba's dialect, for the types of hasten.numba.
std::string text_of_type(ir::TypeRef type, infer::Dialect dialect) {
  return dialect == infer::Dialect::kNumba ? spelling_of(type) : ir::display(type);
}

nb::tuple texts(const std::vector<ir::TypeRef>& types, infer::Dialect dialect) {
  nb::list list;
  for (ir::TypeRef type : types) {
    list.append(text_of_type(type, dialect).c_str());
  }
  return nb::tuple(list);
}

PyObject* compiled(PyObject* self, void*) {
  return guarded(self, [](Dispatch& dispatch) {
    nb::list all;
    for (const auto& code : dispatch.compiled()) {
      const infer::Dialect dialect = dispatch.options().dialect;
      all.append(nb::make_tuple(texts(code->unit.arguments, dialect), text_of_type(code->unit.result, dialect).c_str()));
    }
    return all.release().ptr();
  });
}

// ---------------------------------------------------------------- methods

PyObject* compile_signature(PyObject* self, PyObject* text) {
  return guarded(self, [text](Dispatch& dispatch) {
    const Signature signature = parse_signature_text(nb::cast<const char*>(nb::handle(text)));
    dispatch.compile(signature.arguments, signature.result);
    return Py_NewRef(Py_None);
  });
}

PyObject* compile_for(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return guarded(self, [=](Dispatch& dispatch) {
    dispatch.compile_for(args, nargs, kwnames);
    return Py_NewRef(Py_None);
  });
}

PyObject* recompile(PyObject* self, PyObject*) {
  return guarded(self, [](Dispatch& dispatch) {
    dispatch.recompile();
    return Py_NewRef(Py_None);
  });
}

PyObject* inspect_code(PyObject* self, PyObject* index) {
  return guarded(self, [=](Dispatch& dispatch) {
    const auto position = nb::cast<size_t>(nb::handle(index));
    if (position >= dispatch.compiled().size()) {
      throw_python(PyExc_IndexError, "no such signature");
    }
    const Specialisation& code = *dispatch.compiled()[position];
    const Texts found = inspect({self, code.unit.arguments, code.declared_result, code.options});
    return nb::make_tuple(found.ir.c_str(), found.llvm.c_str(), found.assembly.c_str()).release().ptr();
  });
}

nb::bytes bytes_of(const base::Digest& digest) { return nb::bytes(digest.bytes.data(), digest.bytes.size()); }

PyObject* cached_code(PyObject* self, PyObject*) {
  return guarded(self, [](Dispatch& dispatch) {
    nb::list all;
    for (const auto& code : dispatch.compiled()) {
      if (code->cached) {
        all.append(bytes_of(code->cached->unit));
      }
    }
    return all.release().ptr();
  });
}

PyObject* export_cached(PyObject* self, PyObject* digest) {
  return guarded(self, [=](Dispatch& dispatch) {
    for (const auto& code : dispatch.compiled()) {
      if (code->cached && bytes_of(code->cached->unit).equal(nb::handle(digest))) {
        const std::optional<std::string> bytes = export_code(*code->cached);
        return bytes ? nb::bytes(bytes->data(), bytes->size()).release().ptr() : Py_NewRef(Py_None);
      }
    }
    return Py_NewRef(Py_None);
  });
}

template <typename Function> PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"__init_subclass__", as_method(init_subclass), METH_CLASS | METH_NOARGS, nullptr},
    {"compile_signature", as_method(compile_signature), METH_O, "Compile for a signature, given as text."},
    {"compile_for", as_method(compile_for), METH_FASTCALL | METH_KEYWORDS, "Compile for the types of these arguments, without a call."},
    {"recompile", as_method(recompile), METH_NOARGS, "Compile all signatures once more, for the values that globals have now."},
    {"cached_code", as_method(cached_code), METH_NOARGS, "The digests of all native versions that lie in the cache on disk."},
    {"export_code", as_method(export_cached), METH_O, "The native version with this digest as bytes for import_code, or None."},
    {"inspect_code", as_method(inspect_code), METH_O, "The typed IR, LLVM IR and assembly of the signature with this index."},
    {nullptr, nullptr, 0, nullptr},
};

char* text(const char* literal) { return const_cast<char*>(literal); }

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"__code__", function_attribute, nullptr, nullptr, text("__code__")},
    {"__defaults__", function_attribute, nullptr, nullptr, text("__defaults__")},
    {"__kwdefaults__", function_attribute, nullptr, nullptr, text("__kwdefaults__")},
    {"__globals__", function_attribute, nullptr, nullptr, text("__globals__")},
    {"__closure__", function_attribute, nullptr, nullptr, text("__closure__")},
    {"py_func", py_func, nullptr, "The Python function.", nullptr},
    {"is_ready", is_ready, nullptr, "Whether it has its function: false only while it is unpickled.", nullptr},
    {"can_compile", can_compile, set_can_compile, "Whether calls with new types compile.", nullptr},
    {"compiled", compiled, nullptr, "The types of arguments and result of all native versions.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Dispatcher, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Dispatcher, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Dispatcher, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind_method)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc, text("A function that is compiled for the types that it is called with.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "hasten._core.Dispatcher", sizeof(Dispatcher), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, slots};

} // namespace

bool is_dispatcher(PyObject* object) { return PyObject_TypeCheck(object, dispatcher_type) != 0; }

PyObject* function_of(PyObject* dispatcher) { return dispatch_of(dispatcher).function(); }

bool is_cached(PyObject* dispatcher) { return dispatch_of(dispatcher).is_cached(); }

bool init_dispatcher(PyObject* module) {
  set_dispatcher_hooks({is_dispatcher, function_of, [](PyObject* dispatcher) { return dispatch_of(dispatcher).options(); }});
  dispatcher_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return dispatcher_type != nullptr && PyModule_AddObjectRef(module, "Dispatcher", reinterpret_cast<PyObject*>(dispatcher_type)) == 0 &&
         init_profile(module, call_native);
}

} // namespace hasten::bindings
