// Which engine this is: code of another one is never loaded.
#pragma once

#include <string>

namespace hasten::bindings {

// The build of the extension (which holds LLVM), the versions of Python and NumPy (once the program has imported it), and the CPU with its
// features. Needs the GIL.
const std::string& engine_identity();

} // namespace hasten::bindings
