#include "hasten/compiler/passes/simplify/forward.h"

#include <algorithm>

#include "hasten/compiler/ir/fold.h"
#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {
namespace {

using namespace ir;

class Forward {
public:
  Forward(Function& function, Shapes& shapes, ValueId value)
      : function_(function), shapes_(shapes), value_(value), instr_(function.values[value]) {}

  ValueId run() {
    if (fold_constants()) {
      return value_;
    }
    switch (instr_.op) {
    case Op::kPhi:
      return phi();
    case Op::kSelect:
      return select();
    case Op::kCast:
      return same_representation(arg(0).type, instr_.type) ? instr_.args[0] : value_;
    case Op::kItem:
      return arg(0).op == Op::kTuple ? arg(0).args[static_cast<size_t>(instr_.aux)] : value_;
    case Op::kDim:
      return dim();
    case Op::kStride:
      return stride();
    case Op::kView:
      return view();
    case Op::kRelabel:
      return relabel();
    case Op::kLoad:
    case Op::kEwise:
    case Op::kEwiseShaped:
    case Op::kEwiseInto:
    case Op::kEwiseReduce:
      return read_through_relabels();
    case Op::kWrapIndex:
      return is_nonnegative(function_, instr_.args[0]) ? instr_.args[0] : value_;
    default:
      return arithmetic();
    }
  }

private:
  const Instr& arg(size_t i) const { return function_.values[instr_.args[i]]; }
  bool is(size_t i, int64_t number) const {
    int64_t found = 0;
    return is_int(function_, instr_.args[i], &found) && found == number;
  }

  bool fold_constants() {
    if (instr_.args.empty() || instr_.args.size() > 2 || !is_number(instr_.type)) {
      return false;
    }
    Constant constants[2];
    for (size_t i = 0; i < instr_.args.size(); ++i) {
      const Constant* constant = constant_of(function_, instr_.args[i]);
      if (constant == nullptr) {
        return false;
      }
      constants[i] = *constant;
    }
    const auto folded = fold(instr_.op, instr_.type, {constants, instr_.args.size()});
    if (folded) {
      become_constant(function_, value_, *folded);
    }
    return folded.has_value();
  }

  // The one value that comes in on all edges, but for the phi itself.
  ValueId phi() const {
    ValueId only = kNone;
    for (ValueId operand : instr_.args) {
      if (operand != value_ && operand != only) {
        if (only != kNone) {
          return value_;
        }
        only = operand;
      }
    }
    return only == kNone ? value_ : only;
  }

  ValueId select() const {
    const Constant* condition = constant_of(function_, instr_.args[0]);
    if (condition != nullptr) {
      return instr_.args[condition->i != 0 ? 1 : 2];
    }
    return instr_.args[1] == instr_.args[2] ? instr_.args[1] : value_;
  }

  ValueId dim() {
    const Instr& array = arg(0);
    const auto axis = static_cast<size_t>(instr_.aux);
    switch (array.op) {
    case Op::kAlloc:
    case Op::kEwiseShaped:
      return array.args[axis];
    case Op::kView:
      return array.args[2 + axis];
    case Op::kRelabel:
      return of_other_array(array.args[0]);
    case Op::kEwise: {
      const Shapes::Id shape = shapes_.shape_of(instr_.args[0]);
      const auto same = [&](ValueId v) { return is_array(function_.values[v].type) && shapes_.shape_of(v) == shape; };
      const auto found = std::find_if(array.args.begin(), array.args.end(), same);
      return found == array.args.end() ? value_ : of_other_array(*found);
    }
    default:
      return value_;
    }
  }

  ValueId stride() {
    const Instr& array = arg(0);
    if (array.type->layout == Layout::kC && instr_.aux + 1 == array.type->ndim) {
      Constant bytes{instr_.type};
      bytes.i = item_bytes(array.type->elem);
      become_constant(function_, value_, bytes);
      return value_;
    }
    switch (array.op) {
    case Op::kView:
      return array.args[2 + array.type->ndim + static_cast<size_t>(instr_.aux)];
    case Op::kRelabel:
      return of_other_array(array.args[0]);
    default:
      return value_;
    }
  }

  // The same question of another array.
  ValueId of_other_array(ValueId array) {
    instr_.args[0] = array;
    return run();
  }

  // A view of all items of its base, in their order, is the base.
  ValueId view() {
    if (arg(0).op == Op::kRelabel) {
      instr_.args[0] = arg(0).args[0];
    }
    const Instr& base = arg(0);
    if (!is(1, 0) || base.type->dtype != instr_.type->dtype || base.type->ndim != instr_.type->ndim) {
      return value_;
    }
    const size_t rank = base.type->ndim;
    for (size_t axis = 0; axis < rank; ++axis) {
      const Instr& size = arg(2 + axis);
      const Instr& stride = arg(2 + rank + axis);
      const auto is_own = [&](const Instr& i, Op op) {
        return i.op == op && i.args[0] == instr_.args[0] && i.aux == static_cast<int64_t>(axis);
      };
      const bool item_stride = base.type->layout == Layout::kC && axis + 1 == rank && is(2 + rank + axis, item_bytes(base.type->elem));
      if (!is_own(size, Op::kDim) || !(item_stride || is_own(stride, Op::kStride))) {
        return value_;
      }
    }
    const bool weaker = base.type->layout == instr_.type->layout || instr_.type->layout == Layout::kAny;
    if (!weaker || (base.type->readonly && !instr_.type->readonly)) {
      return value_;
    }
    instr_.op = Op::kRelabel;
    instr_.args.resize(1);
    return relabel();
  }

  ValueId relabel() {
    if (arg(0).op == Op::kRelabel) {
      instr_.args[0] = arg(0).args[0];
    }
    return arg(0).type == instr_.type ? instr_.args[0] : value_;
  }

  // What only reads an array does not mind a stronger layout.
  ValueId read_through_relabels() {
    for (size_t i = instr_.op == Op::kEwiseInto ? 1 : 0; i < instr_.args.size(); ++i) {
      if (arg(i).op == Op::kRelabel) {
        instr_.args[i] = arg(i).args[0];
      }
    }
    return value_;
  }

  ValueId arithmetic() {
    if (!is_integral(instr_.type) || instr_.args.size() != 2) {
      return value_;
    }
    const bool zero_right = is(1, 0);
    switch (instr_.op) {
    case Op::kAdd:
    case Op::kAddChecked:
      return zero_right ? instr_.args[0] : is(0, 0) ? instr_.args[1] : value_;
    case Op::kSub:
    case Op::kSubChecked:
      return zero_right ? instr_.args[0] : value_;
    case Op::kMul:
    case Op::kMulChecked:
      return is(1, 1) || is(0, 0) ? instr_.args[0] : is(0, 1) || zero_right ? instr_.args[1] : value_;
    case Op::kMax:
    case Op::kMin:
      return compared_with_zero();
    case Op::kAnd:
    case Op::kOr:
      return logical();
    default:
      return value_;
    }
  }

  // The smaller, or greater, of 0 and what cannot be negative.
  ValueId compared_with_zero() const {
    for (size_t i = 0; i < 2; ++i) {
      if (is(i, 0) && instr_.type->is_signed && is_nonnegative(function_, instr_.args[1 - i])) {
        return instr_.args[instr_.op == Op::kMin ? i : 1 - i];
      }
    }
    return same_operands();
  }

  ValueId same_operands() const { return instr_.args[0] == instr_.args[1] ? instr_.args[0] : value_; }

  ValueId logical() const {
    if (instr_.type->kind != Kind::kBool) {
      return same_operands();
    }
    for (size_t i = 0; i < 2; ++i) {
      const Constant* constant = constant_of(function_, instr_.args[i]);
      if (constant != nullptr) {
        const bool neutral = (constant->i != 0) == (instr_.op == Op::kAnd);
        return instr_.args[neutral ? 1 - i : i];
      }
    }
    return same_operands();
  }

  Function& function_;
  Shapes& shapes_;
  ValueId value_;
  Instr& instr_;
};

} // namespace

ValueId forward(Function& function, Shapes& shapes, ValueId value) { return Forward(function, shapes, value).run(); }

} // namespace hasten::passes
