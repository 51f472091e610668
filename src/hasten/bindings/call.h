// One native call: arguments into slots, the entry, the result out of them. The hot path.
#pragma once

#include "hasten/bindings/specialisation.h"

namespace hasten::bindings {

// `values` are the arguments, one for each parameter, of the types that the route is for. A new reference, or null with an exception set.
// Needs the GIL; lets go of it meanwhile where the function has nogil=True.
PyObject* call_route(Route& route, PyObject* const* values);

} // namespace hasten::bindings
