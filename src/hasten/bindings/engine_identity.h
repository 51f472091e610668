// Which engine this is: code of another one is never loaded.
#pragma once

#include <string>

namespace hasten::bindings {

// The build of the extension (which holds LLVM), the versions of Python and NumPy (once the program has imported it), and the CPU with its
// features. Needs the GIL.
const std::string& engine_identity();
// As long as it has not: code that was compiled then holds nothing of NumPy.
const std::string& engine_identity_without_numpy();

} // namespace hasten::bindings
