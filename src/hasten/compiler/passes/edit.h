// What passes need to change a function and keep it valid: new values, edges, replacements.
#pragma once

#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// A value of the block that no list holds yet; the caller puts it where it belongs. References into Function::values become stale.
ir::ValueId new_value(ir::Function& function, ir::Op op, ir::TypeRef type, std::vector<ir::ValueId> args, ir::BlockId block);

// The place of edge number `edge` out of `from` among the predecessors of its target. Two edges between the same blocks keep their order.
size_t pred_index(const ir::Function& function, ir::BlockId from, size_t edge);

// A new block on the edge, with nothing but a branch.
ir::BlockId split_edge(ir::Function& function, ir::BlockId from, size_t edge);

} // namespace hasten::passes
