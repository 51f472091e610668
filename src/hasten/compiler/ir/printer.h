// The text of the IR, for people and for golden tests.
//
//   func sum(array(float64, 1d, C)) -> float64
//   b0:
//     %0 = param 0 : array(float64, 1d, C)
//     …
#pragma once

#include <string>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

std::string print(const Module& module, const Function& function);
std::string print(const Module& module);

} // namespace hasten::ir
