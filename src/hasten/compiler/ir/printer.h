// The text of the IR, for people and for golden tests; ir/parser.h reads it back.
//
//   func @0 scale(array(float64, 1d, C), pyfloat) -> array(float64, 1d, C)
//   b0:
//     %0 = param 0 : array(float64, 1d, C)
//     %1 = param 1 : pyfloat
//     %2 = ewise @1 %0, %1 : array(float64, 1d, C) !12:9
//     ret %2
//
//   func @1 scale.kernel(float64, pyfloat) -> float64 kernel straight
//   …
//
// `b2: <- b0, b1` names the predecessors in the order of the phis' operands. `@1` is function 1 of the module, "name" a symbol, `site 0` a
// raise site; an immediate number stands behind the operands. `!12:9` is line and column. Types are spelled as in Type::text.
#pragma once

#include <string>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

std::string print(const Module& module, const Function& function);
// Bindings and raise sites first, then all functions.
std::string print(const Module& module);

} // namespace hasten::ir
