// The source of Python functions: captured when a function is decorated, found, checked and parsed when it is first compiled.
//
// What is known is kept with the function's code object, so closures over one code object share it, and it dies with the code object.
// All functions want the GIL.
#pragma once

#include <Python.h>

#include <memory>

#include <nanobind/nanobind.h>

#include "hasten/compiler/syntax/tree.h"

namespace hasten::bindings {

// Remembers where the source of a Python function lies now, so that it can be had, or its loss be noticed, after the file has changed.
// Cheap: nothing is parsed, and a missing source is no error yet. Throws Diagnostic where the object is no Python function.
void capture_source(PyObject* function);

// The parsed source. Throws Diagnostic where there is none, or where it isn't what Python runs.
std::shared_ptr<const syntax::Source> source_of(PyObject* function);

// For pickling: the function's own text as a tuple of plain values (new reference). Throws as source_of does.
PyObject* export_source(PyObject* function);
// Gives a function that was made anew from a pickle the text that export_source returned.
void import_source(PyObject* function, PyObject* exported);

// Lets Python call these (without source_of), and begins to remember the texts that are compiled.
void add_source_functions(nanobind::module_& module);

} // namespace hasten::bindings
