#include "hasten/compiler/passes/simplify/merge.h"

#include "hasten/compiler/ir/fold.h"

namespace hasten::passes {

using namespace ir;

namespace {

// Checks whose outcome depends on nothing but their operands: passed once, they pass again.
bool is_check(Op op) {
  switch (op) {
  case Op::kCheckIndex:
  case Op::kAddChecked:
  case Op::kSubChecked:
  case Op::kMulChecked:
  case Op::kRaiseIf:
    return true;
  default:
    return false;
  }
}

// The operands that decide; what only fills a message does not.
size_t deciding_operands(const Instr& instr) { return instr.op == Op::kRaiseIf ? 1 : instr.args.size(); }
bool aux_decides(const Instr& instr) { return instr.op != Op::kRaiseIf && instr.op != Op::kCheckIndex && instr.op != Op::kConst; }

size_t hash(const Instr& instr) {
  size_t h = static_cast<size_t>(instr.op) * 0x9e3779b97f4a7c15U;
  const auto mix = [&](size_t x) { h = (h ^ x) * 0xff51afd7ed558ccdU ^ h >> 29; };
  for (size_t i = 0; i < deciding_operands(instr); ++i) {
    mix(instr.args[i]);
  }
  mix(aux_decides(instr) ? static_cast<size_t>(instr.aux) : 0);
  return h;
}

} // namespace

bool EqualValues::equal(const Instr& a, const Instr& b) const {
  if (a.op != b.op || a.type != b.type || (aux_decides(a) && a.aux != b.aux) || (a.op == Op::kPhi && a.block != b.block)) {
    return false;
  }
  if (a.op == Op::kConst) {
    return identical(function_.constants[static_cast<size_t>(a.aux)], function_.constants[static_cast<size_t>(b.aux)]);
  }
  const size_t count = deciding_operands(a);
  return count == deciding_operands(b) && std::equal(a.args.begin(), a.args.begin() + static_cast<std::ptrdiff_t>(count), b.args.begin());
}

ValueId EqualValues::find_or_add(ValueId value) {
  const Instr& instr = function_.values[value];
  if (info(instr.op).effects != kPure && !is_check(instr.op)) {
    return value;
  }
  const size_t key = hash(instr);
  const auto [from, to] = seen_.equal_range(key);
  for (auto at = from; at != to; ++at) {
    const Instr& other = function_.values[at->second];
    if (equal(instr, other) && tree_.dominates(other.block, instr.block)) {
      return at->second;
    }
  }
  seen_.emplace(key, value);
  return value;
}

} // namespace hasten::passes
