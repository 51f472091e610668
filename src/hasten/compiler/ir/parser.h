// Reads the text that ir/printer.h writes: for golden tests and for looking at a dumped module again.
//
// Lenient where a person would be: `@n` in a header and `<-` lists may be missing (predecessors then stand in the order of the text), blank
// lines and leading space don't matter. Values keep their numbers. Not checked here: whether the module is valid (ir/verifier.h).
#pragma once

#include <string_view>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

// Throws base::Diagnostic that quotes the line where the text is no IR.
Module parse(std::string_view text);

} // namespace hasten::ir
