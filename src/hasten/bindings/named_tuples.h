// Classes that collections.namedtuple or typing.NamedTuple made.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include <nanobind/nanobind.h>

#include "hasten/compiler/ir/type.h"

namespace hasten::bindings {

// Whether instances are tuples whose items have names, and nothing else. GIL held.
bool is_named_tuple_class(PyObject* object);
// "<handle>:Point(x,y)": what types call the class. It is kept for good. GIL held.
const std::string& name_of_named_tuple_class(PyObject* cls);
// The class's handle; 0 where its name was never asked for. Allocates nothing, sets no error. GIL held.
uint64_t known_named_tuple_class(PyTypeObject* cls);
// The class in a type whose name is not empty; borrowed. GIL held.
PyObject* class_of_named_tuple(ir::TypeRef type);
// An instance with these items; takes the reference. Null with an exception set where that fails. GIL held.
PyObject* make_named_tuple(ir::TypeRef type, PyObject* items);

void add_named_tuple_functions(nanobind::module_& m);

} // namespace hasten::bindings
