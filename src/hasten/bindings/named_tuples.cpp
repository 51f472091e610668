#include "hasten/bindings/named_tuples.h"

#include <cstdlib>
#include <unordered_map>

#include "hasten/bindings/host.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

nb::object attribute_or_none(PyObject* object, const char* name) {
  nb::object found = nb::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return found;
}

bool has_names(PyObject* fields) {
  if (fields == nullptr || !PyTuple_CheckExact(fields)) {
    return false;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); ++i) {
    if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(fields, i))) {
      return false;
    }
  }
  return true;
}

// A class that says in Python how it is compared, indexed or iterated over is no mere tuple.
bool behaves_as_tuple(const PyTypeObject* type) {
  return type->tp_richcompare == PyTuple_Type.tp_richcompare && type->tp_hash == PyTuple_Type.tp_hash &&
         type->tp_iter == PyTuple_Type.tp_iter && type->tp_getattro == PyTuple_Type.tp_getattro &&
         type->tp_as_sequence->sq_length == PyTuple_Type.tp_as_sequence->sq_length &&
         type->tp_as_sequence->sq_contains == PyTuple_Type.tp_as_sequence->sq_contains &&
         type->tp_as_sequence->sq_concat == PyTuple_Type.tp_as_sequence->sq_concat &&
         type->tp_as_mapping->mp_subscript == PyTuple_Type.tp_as_mapping->mp_subscript && type->tp_as_number->nb_bool == nullptr &&
         type->tp_as_number->nb_add == nullptr;
}

struct KnownClass {
  infer::Handle handle;
  std::string name;
};

std::unordered_map<PyObject*, KnownClass>& known_classes() {
  static auto* const known = new std::unordered_map<PyObject*, KnownClass>; // never freed: the classes aren't either
  return *known;
}

KnownClass describe(PyObject* cls) {
  const infer::Handle handle = PythonHost::instance().handle_of(cls);
  std::string text = std::to_string(handle) + ":" + text_of(attribute_or_none(cls, "__name__").ptr()) + "(";
  const nb::object fields = attribute_or_none(cls, "_fields");
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields.ptr()); ++i) {
    text += (i > 0 ? "," : "") + text_of(PyTuple_GET_ITEM(fields.ptr(), i));
  }
  return {handle, text + ")"};
}

uint64_t named_tuple_handle(nb::handle cls) {
  if (!is_named_tuple_class(cls.ptr())) {
    throw nb::type_error("not a class of namedtuples");
  }
  name_of_named_tuple_class(cls.ptr());
  return known_named_tuple_class(reinterpret_cast<PyTypeObject*>(cls.ptr()));
}

nb::object named_tuple_class(uint64_t handle) {
  PyObject* found = PythonHost::instance().object_of(handle);
  if (found == nullptr || !is_named_tuple_class(found)) {
    throw nb::value_error("no class of namedtuples has this handle");
  }
  return nb::borrow(found);
}

} // namespace

bool is_named_tuple_class(PyObject* object) {
  if (!PyType_Check(object)) {
    return false;
  }
  const auto* type = reinterpret_cast<PyTypeObject*>(object);
  if (type->tp_base != &PyTuple_Type || (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || type->tp_dictoffset != 0 ||
      !behaves_as_tuple(type)) {
    return false;
  }
  return has_names(attribute_or_none(object, "_fields").ptr());
}

const std::string& name_of_named_tuple_class(PyObject* cls) {
  const auto known = known_classes().find(cls);
  return (known != known_classes().end() ? known : known_classes().emplace(cls, describe(cls)).first)->second.name;
}

uint64_t known_named_tuple_class(PyTypeObject* cls) {
  const auto known = known_classes().find(reinterpret_cast<PyObject*>(cls));
  return known == known_classes().end() ? 0 : known->second.handle;
}

PyObject* class_of_named_tuple(ir::TypeRef type) {
  return PythonHost::instance().object_of(std::strtoull(type->name.c_str(), nullptr, 10));
}

PyObject* make_named_tuple(ir::TypeRef type, PyObject* items) {
  const nb::object owned = nb::steal(items);
  PyObject* cls = class_of_named_tuple(type);
  if (!owned.is_valid() || cls == nullptr) {
    return nullptr;
  }
  const nb::object arguments = nb::steal(PyTuple_Pack(1, owned.ptr()));
  return arguments.is_valid() ? PyTuple_Type.tp_new(reinterpret_cast<PyTypeObject*>(cls), arguments.ptr(), nullptr) : nullptr;
}

void add_named_tuple_functions(nb::module_& m) {
  m.def("named_tuple_handle", named_tuple_handle, nb::arg("cls"), "Return the number by which texts of types name a class of namedtuples.");
  m.def("named_tuple_class", named_tuple_class, nb::arg("handle"), nb::sig("def named_tuple_class(handle: int) -> type"),
        "Return the class of namedtuples that texts of types call so.");
}

} // namespace hasten::bindings
