#include "random_function.h"

#include <algorithm>
#include <random>

#include "hasten/compiler/ir/builder.h"
#include "hasten/compiler/ir/dominators.h"
#include "hasten/compiler/ir/parser.h"

namespace hasten::passes::testing {
namespace {

using namespace ir;

// The function that is generated, still without blocks, and the two that it uses.
constexpr const char* kModule =
    R"(func main(array(float64, 1d, C), array(float64, 1d, C), tuple(array(float64, 1d, C), array(float64, 1d, C)), pybool) -> none
func kernel(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = add %0, %1 : float64
  ret %2
func callee(array(float64, 1d, C), pybool) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : pybool
  %2 = const 1 : pyint
  condbr %1, b1, b2
b1:
  %3 = alloc %2, 0 : array(float64, 1d, C)
  poll
  br b2
b2: <- b0, b1
  %4 = phi %0, %3 : array(float64, 1d, C)
  ret %4
)";

class Generator {
public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Module run() {
    module_ = parse(kModule);
    module_.sites.push_back({});
    array_ = module_.functions[0].params[0];
    tuple_ = module_.functions[0].params[2];
    module_.functions[0].result = flip(4) ? tuple_ : array_;
    edges();
    const Dominators tree = dominators(function());
    at_end_.resize(function().blocks.size());
    for (BlockId block : tree.order) {
      at_end_[block] = block == 0 ? Available{} : at_end_[tree.idom[block]];
      fill(block, tree);
    }
    for (BlockId block = 0; block < function().blocks.size(); ++block) {
      if (!tree.reachable(block)) {
        fill(block, tree);
      }
    }
    join(tree);
    return std::move(module_);
  }

private:
  struct Available {
    std::vector<ValueId> arrays;
    std::vector<ValueId> tuples;
  };

  Function& function() { return module_.functions[0]; }
  uint32_t below(size_t n) { return static_cast<uint32_t>(random_() % n); }
  bool flip(uint32_t one_in) { return below(one_in) == 0; }

  void edges() {
    const uint32_t count = 2 + below(8);
    function().blocks.resize(count);
    for (BlockId block = 0; block < count; ++block) {
      const uint32_t ways = flip(5) && block != 0 ? 0 : 1 + below(2);
      for (uint32_t i = 0; i < ways; ++i) {
        const BlockId to = 1 + below(count - 1);
        function().blocks[block].succs.push_back(to);
        function().blocks[to].preds.push_back(block);
      }
    }
  }

  ValueId emit(Op op, TypeRef type, std::vector<ValueId> args, int64_t aux = 0) {
    Builder builder(module_, function());
    builder.set_block(block_);
    return builder.emit(op, type, std::move(args), aux);
  }

  ValueId pick(const std::vector<ValueId>& list) { return list[below(list.size())]; }
  // Rather what came last: chains are likelier than fans.
  ValueId array() {
    const auto& list = at_end_[block_].arrays;
    return flip(2) ? list.back() : pick(list);
  }
  void add_array(ValueId value) { at_end_[block_].arrays.push_back(value); }
  void add_tuple(ValueId value) { at_end_[block_].tuples.push_back(value); }

  void entry() {
    for (int i = 0; i < 4; ++i) {
      const ValueId param = emit(Op::kParam, function().params[static_cast<size_t>(i)], {}, i);
      if (i < 2) {
        add_array(param);
      }
    }
    add_tuple(2);
    Builder builder(module_, function());
    builder.set_block(0);
    zero_ = builder.constant_int(int_type(), 0);
    one_ = builder.constant_int(int_type(), 1);
    condition_ = 3;
  }

  void fill(BlockId block, const Dominators& tree) {
    block_ = block;
    if (block == 0) {
      entry();
    }
    const bool reachable = tree.reachable(block);
    if (!reachable) {
      add_array(emit(Op::kUndef, array_, {}));
      add_tuple(emit(Op::kUndef, tuple_, {}));
    }
    for (uint32_t i = function().blocks[block].preds.empty() || !reachable ? 0 : below(3); i-- > 0;) {
      Builder builder(module_, function());
      builder.set_block(block);
      flip(4) ? add_tuple(builder.phi(tuple_)) : add_array(builder.phi(array_));
    }
    for (uint32_t i = below(6); i-- > 0 && reachable;) {
      instruction();
    }
    terminator();
  }

  void instruction() {
    switch (below(12)) {
    case 0:
      return add_array(emit(Op::kAlloc, array_, {one_}));
    case 1:
    case 2:
      return add_array(emit(Op::kEwise, array_, {array(), array()}, 1));
    case 3:
      return add_array(emit(Op::kView, array_, {array(), zero_, one_, one_}));
    case 4:
      return add_tuple(emit(Op::kTuple, tuple_, {array(), array()}));
    case 5:
      return add_array(emit(Op::kItem, array_, {pick(at_end_[block_].tuples)}, below(2)));
    case 6:
      return add_array(emit(Op::kSelect, array_, {condition_, array(), array()}));
    case 7:
      return add_array(emit(Op::kCall, array_, {array(), condition_}, 2));
    case 8:
      return add_array(emit(Op::kRuntime, array_, {array()}, Builder(module_, function()).symbol(flip(2) ? "same" : "copy", true)));
    case 9:
      emit(Op::kLoad, array_->elem, {array(), zero_});
      return;
    case 10:
      return add_array(emit(Op::kRelabel, array_, {array()}));
    default:
      emit(Op::kPoll, none_type(), {});
    }
  }

  void terminator() {
    switch (function().blocks[block_].succs.size()) {
    case 1:
      emit(Op::kBr, none_type(), {});
      return;
    case 2:
      emit(Op::kCondBr, none_type(), {condition_});
      return;
    default:
      if (flip(3)) {
        emit(Op::kRaise, none_type(), {array()});
      } else {
        const auto& available = at_end_[block_];
        emit(Op::kRet, none_type(), {function().result == tuple_ ? pick(available.tuples) : array()});
      }
    }
  }

  // Operands of phis, when all blocks are filled.
  void join(const Dominators& tree) {
    const ValueId undefined = undef(array_);
    const ValueId undefined_tuple = undef(tuple_);
    for (BlockId block = 0; block < function().blocks.size(); ++block) {
      for (ValueId value : function().blocks[block].instrs) {
        if (function().values[value].op != Op::kPhi) {
          break;
        }
        const bool is_tuple = function().values[value].type == tuple_;
        const auto& preds = function().blocks[block].preds;
        std::vector<ValueId> args;
        for (size_t i = 0; i < preds.size(); ++i) {
          const auto twin = std::find(preds.begin(), preds.begin() + static_cast<std::ptrdiff_t>(i), preds[i]) - preds.begin();
          const Available& available = at_end_[tree.reachable(preds[i]) ? preds[i] : 0];
          const auto& list = is_tuple ? available.tuples : available.arrays;
          const ValueId fresh = flip(8) ? (is_tuple ? undefined_tuple : undefined) : flip(2) ? list.back() : pick(list);
          args.push_back(static_cast<size_t>(twin) < i ? args[static_cast<size_t>(twin)] : fresh);
        }
        function().values[value].args = args;
      }
    }
  }

  ValueId undef(TypeRef type) {
    const auto id = static_cast<ValueId>(function().values.size());
    function().values.push_back({Op::kUndef, type, {}, 0, kNone, 0});
    auto& entry = function().blocks[0].instrs;
    entry.insert(entry.begin(), id);
    return id;
  }

  std::mt19937 random_;
  Module module_;
  BlockId block_ = 0;
  TypeRef array_ = nullptr;
  TypeRef tuple_ = nullptr;
  ValueId zero_ = 0;
  ValueId one_ = 0;
  ValueId condition_ = 0;
  std::vector<Available> at_end_;
};

} // namespace

Module random_module(uint32_t seed) { return Generator(seed).run(); }

} // namespace hasten::passes::testing
