// The order of the passes over the typed IR.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

void run_all(ir::Module& module);

} // namespace hasten::passes
