#include "hasten/compiler/passes/ownership.h"

#include <algorithm>

#include "hasten/compiler/ir/dominators.h"
#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {
namespace {

using namespace ir;

// A set of owned values, by their number in Ownership::owned_.
class Set {
public:
  explicit Set(size_t size = 0) : words_((size + 63) / 64) {}
  bool has(uint32_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void add(uint32_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  void remove(uint32_t i) { words_[i / 64] &= ~(uint64_t{1} << (i % 64)); }
  void add(const Set& other) {
    for (size_t w = 0; w < words_.size(); ++w) {
      words_[w] |= other.words_[w];
    }
  }
  bool operator==(const Set&) const = default;

private:
  std::vector<uint64_t> words_;
};

// What stands on one edge, or before one Ret: retains first, so that nothing is freed that is kept through another name.
struct Code {
  std::vector<ValueId> retained;
  std::vector<ValueId> moved;
  std::vector<ValueId> released;
  bool empty() const { return retained.empty() && moved.empty() && released.empty(); }
};

class Ownership {
public:
  explicit Ownership(Function& function) : function_(function) {}

  void run() {
    order_ = reverse_postorder(function_);
    if (!number_owners()) {
      return;
    }
    find_roots();
    find_liveness();
    for (BlockId block : order_) {
      rewrite(block);
    }
    for (BlockId block : order_) {
      rewrite_edges(block);
    }
  }

private:
  // False where the function has nothing to count.
  bool number_owners() {
    number_.assign(function_.values.size(), kNone);
    for (BlockId block : order_) {
      for (ValueId value : function_.blocks[block].instrs) {
        const Instr& instr = function_.values[value];
        if (instr.type->counted && owns_its_counts(instr.op)) {
          number_[value] = static_cast<uint32_t>(owned_.size());
          owned_.push_back(value);
        }
      }
    }
    return function_.result->counted || !owned_.empty();
  }

  // The operands whose blocks a borrowing value shares.
  std::vector<ValueId> lenders(const Instr& instr) const {
    switch (instr.op) {
    case Op::kView:
    case Op::kRelabel:
    case Op::kItem:
      return {instr.args[0]};
    case Op::kSelect:
      return {instr.args[1], instr.args[2]};
    case Op::kTuple:
      return instr.args;
    default:
      return {};
    }
  }

  void find_roots() {
    roots_.resize(function_.values.size());
    for (BlockId block : order_) {
      for (ValueId value : function_.blocks[block].instrs) {
        if (!function_.values[value].type->counted) {
          continue;
        }
        if (number_[value] != kNone) {
          roots_[value] = {number_[value]};
          continue;
        }
        for (ValueId lender : lenders(function_.values[value])) {
          roots_[value].insert(roots_[value].end(), roots_[lender].begin(), roots_[lender].end());
        }
        auto& roots = roots_[value];
        std::sort(roots.begin(), roots.end());
        roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
      }
    }
  }

  void find_liveness() {
    live_in_.assign(function_.blocks.size(), Set(owned_.size()));
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = order_.size(); i-- > 0;) {
        const BlockId block = order_[i];
        Set live = live_at_end(block);
        const auto& instrs = function_.blocks[block].instrs;
        for (size_t k = instrs.size(); k-- > 0;) {
          step_back(instrs[k], live);
        }
        if (!(live == live_in_[block])) {
          live_in_[block] = std::move(live);
          changed = true;
        }
      }
    }
  }

  // From the set behind an instruction to the set before it. A phi's operands are used on the edges, not here.
  void step_back(ValueId value, Set& live) const {
    const Instr& instr = function_.values[value];
    if (number_[value] != kNone) {
      live.remove(number_[value]);
    }
    if (instr.op != Op::kPhi) {
      for (ValueId arg : instr.args) {
        add_roots(arg, live);
      }
    }
  }

  void add_roots(ValueId value, Set& live) const {
    for (uint32_t root : roots_[value]) {
      live.add(root);
    }
  }

  Set live_at_end(BlockId block) const {
    Set live(owned_.size());
    const auto& succs = function_.blocks[block].succs;
    for (size_t edge = 0; edge < succs.size(); ++edge) {
      live.add(live_in_[succs[edge]]);
      const size_t position = pred_index(function_, block, edge);
      for_each_phi(succs[edge], [&](const Instr& phi) { add_roots(phi.args[position], live); });
    }
    return live;
  }

  template <class Body> void for_each_phi(BlockId block, Body body) const {
    for (ValueId value : function_.blocks[block].instrs) {
      const Instr& instr = function_.values[value];
      if (instr.op != Op::kPhi) {
        return;
      }
      if (instr.type->counted) {
        body(instr);
      }
    }
  }

  // Hands one count of each block in `value` to a phi or the caller: from an owner that is not needed any longer, else a new one.
  void hand_over(ValueId value, const Set& needed, Set& gone, Code& code) const {
    const Instr& instr = function_.values[value];
    if (!instr.type->counted || instr.op == Op::kUndef) {
      return; // an undefined value holds null blocks
    }
    if (number_[value] != kNone && !needed.has(number_[value]) && !gone.has(number_[value])) {
      gone.add(number_[value]);
      code.moved.push_back(value);
      return;
    }
    switch (instr.op) {
    case Op::kView:
    case Op::kRelabel:
      return hand_over(instr.args[0], needed, gone, code);
    case Op::kTuple:
      for (ValueId arg : instr.args) {
        hand_over(arg, needed, gone, code);
      }
      return;
    case Op::kItem:
      if (holds_all_counts(instr)) {
        return hand_over(instr.args[0], needed, gone, code);
      }
      break;
    default:
      break;
    }
    code.retained.push_back(value);
  }

  // Whether nothing else in the aggregate is counted, so that the item's counts are the aggregate's.
  bool holds_all_counts(const Instr& item) const {
    TypeRef whole = function_.values[item.args[0]].type;
    int counted = 0;
    for (size_t i = 0; i < part_count(whole); ++i) {
      counted += part(whole, i)->counted ? 1 : 0;
    }
    return counted == 1;
  }

  // Rewrites a block from its end to its start: releases stand behind last uses.
  void rewrite(BlockId id) {
    Set live = live_at_end(id);
    const std::vector<ValueId> instrs = std::move(function_.blocks[id].instrs);
    const size_t phis = phi_count(function_, instrs);
    std::vector<ValueId> reversed;
    reversed.reserve(instrs.size() + 8);
    for (size_t k = instrs.size(); k-- > phis;) {
      const ValueId value = instrs[k];
      const Op op = function_.values[value].op;
      if (!is_control(op)) {
        release(dying_at(value, live), id, reversed);
      }
      reversed.push_back(value);
      if (op == Op::kRet) {
        before_ret(id, function_.values[value].args[0], reversed);
      }
      step_back(value, live);
    }
    for (size_t k = phis; k-- > 0;) {
      release(dying_at(instrs[k], live), id, reversed);
    }
    reversed.insert(reversed.end(), instrs.rend() - static_cast<std::ptrdiff_t>(phis), instrs.rend());
    function_.blocks[id].instrs.assign(reversed.rbegin(), reversed.rend());
  }

  void release(const std::vector<uint32_t>& dying, BlockId block, std::vector<ValueId>& list) {
    for (uint32_t root : dying) {
      list.push_back(new_value(function_, Op::kRelease, none_type(), {owned_[root]}, block));
    }
  }

  // Owners that the instruction makes or uses and that nothing behind it needs.
  std::vector<uint32_t> dying_at(ValueId value, const Set& live) const {
    std::vector<uint32_t> dying;
    const auto consider = [&](uint32_t root) {
      if (!live.has(root) && std::find(dying.begin(), dying.end(), root) == dying.end()) {
        dying.push_back(root);
      }
    };
    if (number_[value] != kNone) {
      consider(number_[value]);
    }
    if (function_.values[value].op != Op::kPhi) {
      for (ValueId arg : function_.values[value].args) {
        std::for_each(roots_[arg].begin(), roots_[arg].end(), consider);
      }
    }
    return dying;
  }

  void before_ret(BlockId id, ValueId result, std::vector<ValueId>& reversed) {
    Code code;
    Set gone(owned_.size());
    hand_over(result, Set(owned_.size()), gone, code);
    std::vector<uint32_t> dying = roots_[result];
    std::erase_if(dying, [&](uint32_t root) { return gone.has(root); });
    release(dying, id, reversed);
    for (ValueId value : code.retained) {
      reversed.push_back(new_value(function_, Op::kRetain, none_type(), {value}, id));
    }
  }

  void rewrite_edges(BlockId from) {
    const Set live = live_at_end(from);
    for (size_t edge = 0; edge < function_.blocks[from].succs.size(); ++edge) {
      const BlockId to = function_.blocks[from].succs[edge];
      const size_t position = pred_index(function_, from, edge);
      Code code;
      Set gone(owned_.size());
      for_each_phi(to, [&](const Instr& phi) { hand_over(phi.args[position], live_in_[to], gone, code); });
      const Op end = function_.values[function_.blocks[to].instrs.back()].op;
      const bool fails = end == Op::kRaise || end == Op::kUnreachable;
      for (uint32_t i = 0; i < owned_.size() && !fails; ++i) {
        if (live.has(i) && !live_in_[to].has(i) && !gone.has(i)) {
          code.released.push_back(owned_[i]);
        }
      }
      if (!code.empty()) {
        place(code, from, edge);
      }
    }
  }

  void place(const Code& code, BlockId from, size_t edge) {
    const BlockId to = function_.blocks[from].succs[edge];
    const bool one_way = function_.blocks[from].succs.size() == 1;
    const bool in_target = !one_way && function_.blocks[to].preds.size() == 1;
    const BlockId at = one_way ? from : in_target ? to : split_edge(function_, from, edge);
    std::vector<ValueId> made;
    const auto add = [&](Op op, const std::vector<ValueId>& values) {
      for (ValueId value : values) {
        made.push_back(new_value(function_, op, none_type(), {value}, at));
      }
    };
    add(Op::kRetain, code.retained);
    add(Op::kMove, code.moved);
    add(Op::kRelease, code.released);
    auto& instrs = function_.blocks[at].instrs;
    const size_t where = in_target ? phi_count(function_, instrs) : instrs.size() - 1;
    instrs.insert(instrs.begin() + static_cast<std::ptrdiff_t>(where), made.begin(), made.end());
  }

  Function& function_;
  std::vector<BlockId> order_;
  std::vector<ValueId> owned_;               // values that own counts
  std::vector<uint32_t> number_;             // by value: its place in owned_, or kNone
  std::vector<std::vector<uint32_t>> roots_; // by value of a counted type: the owners whose counts it relies on
  std::vector<Set> live_in_;                 // by block: owners needed from its start on, those of its phis not among them
};

} // namespace

bool owns_its_counts(Op op) {
  switch (op) {
  case Op::kAlloc:
  case Op::kEwise:
  case Op::kEwiseShaped:
  case Op::kCall:
  case Op::kRuntime:
  case Op::kParallelFor:
  case Op::kPhi:
    return true;
  default:
    return false;
  }
}

void insert_counts(Function& function) { Ownership(function).run(); }

} // namespace hasten::passes
