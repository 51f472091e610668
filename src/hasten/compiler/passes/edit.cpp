#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {

using namespace ir;

ValueId new_value(Function& function, Op op, TypeRef type, std::vector<ValueId> args, BlockId block) {
  function.values.push_back({op, type, std::move(args), 0, kNone, block});
  return static_cast<ValueId>(function.values.size() - 1);
}

size_t pred_index(const Function& function, BlockId from, size_t edge) {
  const auto& succs = function.blocks[from].succs;
  size_t twins = 0; // earlier edges to the same block
  for (size_t i = 0; i < edge; ++i) {
    twins += succs[i] == succs[edge] ? 1 : 0;
  }
  const auto& preds = function.blocks[succs[edge]].preds;
  size_t position = 0;
  while (preds[position] != from || twins-- > 0) {
    ++position;
  }
  return position;
}

BlockId split_edge(Function& function, BlockId from, size_t edge) {
  const auto middle = static_cast<BlockId>(function.blocks.size());
  const BlockId to = function.blocks[from].succs[edge];
  const size_t position = pred_index(function, from, edge);
  function.blocks.emplace_back();
  const ValueId branch = new_value(function, Op::kBr, none_type(), {}, middle);
  function.blocks[middle] = {{branch}, {from}, {to}};
  function.blocks[from].succs[edge] = middle;
  function.blocks[to].preds[position] = middle;
  return middle;
}

} // namespace hasten::passes
