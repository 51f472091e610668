// The import of NumPy and its C API, which a program that uses no arrays does without.
#pragma once

namespace hasten::bindings {

// Imports NumPy and its C API, once; numpy_api.h may be used from then on. Throws Diagnostic where NumPy can't be imported. GIL held.
void import_numpy();
// The same for callers that speak C; false with Python's exception set, which may be a signal's. GIL held.
bool try_import_numpy();
// Whether that has happened. Any thread.
bool has_numpy();
// As import_numpy, but only where the program has imported NumPy itself: before that no object can be NumPy's. GIL held.
bool find_numpy();

} // namespace hasten::bindings
