// What a single instruction stands for already: constants, identities of integers, parts of aggregates, sizes of arrays.
//
// Why: infer builds tuples, ranges, slices and views to take them apart a line later, and converts between Python's and NumPy's scalars all
// the time. Seen through, `range(len(a))` is compared with the very size that `a[i]` is checked against, and two statements with one shape
// show it.
#pragma once

#include "hasten/compiler/passes/shapes.h"

namespace hasten::passes {

// The value that `value` may be replaced by: itself where there is none. Its operands are looked through by the caller before. May change
// the instruction in place to a simpler one with the same result.
ir::ValueId forward(ir::Function& function, Shapes& shapes, ir::ValueId value);

} // namespace hasten::passes
