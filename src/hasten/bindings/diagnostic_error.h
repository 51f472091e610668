// Diagnostics as Python exceptions. All functions need the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include "hasten/base/diagnostic.h"

namespace hasten::bindings {

// The exception for a diagnostic: the class of hasten.errors that fits the fault, with file, line, column and source line as attributes.
nanobind::object exception_of(const base::Diagnostic& diagnostic);
void set_exception(const base::Diagnostic& diagnostic);

// Lets functions of the module that is being made throw diagnostics.
void translate_diagnostics();

} // namespace hasten::bindings
