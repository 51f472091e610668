// The verifier's half that knows which types each op takes and gives; driven by rules.def.
#pragma once

#include <string>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

// What is wrong with the instruction's operands, result and immediate; empty where all is well. Its operands are in range already.
std::string verify_types(const Module& module, const Function& function, const Instr& instr);

} // namespace hasten::ir
