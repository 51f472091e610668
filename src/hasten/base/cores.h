// How many processors there are to use.
#pragma once

namespace hasten::base {

// Those that this process may run on; at least 1.
int available_cores();

} // namespace hasten::base
