// Checks that a function keeps the rules of docs/ir.md: operands dominate their uses, types fit their ops, preds and succs agree.
// Runs after every pass in builds with HASTEN_IR_CHECKS.
#pragma once

#include <string>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

// Empty where all is well; else one sentence that names the function, the value and the rule.
std::string verify(const Module& module, const Function& function);
std::string verify(const Module& module);

} // namespace hasten::ir
