// The Python objects behind types without run-time content (ir::Kind::kNamed), and behind the paths of ir::Binding.
#pragma once

#include <Python.h>

#include <string_view>

#include "hasten/compiler/ir/type.h"

namespace hasten::bindings {

// A new reference: the string of a literal, the function, module, dtype or class that the name says. Null with an exception set. Needs the
// GIL.
PyObject* box_named(ir::TypeRef type);

// A new reference to "numpy.linalg.norm": the longest prefix that is a module is imported, the rest are attributes.
PyObject* resolve_dotted(std::string_view path);

} // namespace hasten::bindings
