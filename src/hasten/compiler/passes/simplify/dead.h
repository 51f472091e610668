// Drops what nothing needs: pure ops, loads, new arrays. An op that could fail stays, for its error is part of what the program does.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Whether anything was dropped.
bool remove_dead(const ir::Module& module, ir::Function& function);

} // namespace hasten::passes
