// The syntax tree as text, for debugging and tests.
#pragma once

#include <string>

#include "hasten/compiler/syntax/tree.h"

namespace hasten::syntax {

// One statement a line, expressions in brackets with the operator first: "y = (+ x 1)". With `spans`, every statement begins with its
// place: "3:4-3:9".
std::string to_text(const FunctionDef& function, bool spans = false);
std::string to_text(const Expr& expression);

} // namespace hasten::syntax
