// Calls of ufuncs and gufuncs that were made of compiled functions: the function itself is called, in a fused kernel or in loops over the
// dimensions that are no core dimensions.
#include <algorithm>
#include <array>
#include <map>

#include "hasten/compiler/infer/loops.h"
#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Op;
using ir::TypeRef;

namespace {

TypeRef item_type(TypeRef type) { return ir::is_array(type) ? type->elem : type; }

bool is_safe(TypeRef from, TypeRef to) {
  if (from->weak) {
    return array::promote_weak(to->dtype, array::kind_of(from->dtype)) == to->dtype;
  }
  return array::can_cast_safe(from->dtype, to->dtype);
}

// The first signature that takes these inputs without loss, as NumPy chooses.
size_t choose_signature(Emitter& e, const HostUfunc& ufunc, std::span<const Value> operands) {
  for (size_t s = 0; s < ufunc.signatures.size(); ++s) {
    bool fits = true;
    for (size_t i = 0; i < ufunc.inputs; ++i) {
      fits = fits && is_safe(item_type(operands[i].type), item_type(ufunc.signatures[s][i]));
    }
    if (fits) {
      return s;
    }
  }
  std::string types;
  for (size_t i = 0; i < ufunc.inputs; ++i) {
    types += (i > 0 ? ", " : "") + ir::display(operands[i].type);
  }
  e.fail(ufunc.name + "() has no loop for (" + types + ")", "Convert the arguments, or add a signature.");
}

// ---------------------------------------------------------------- ufuncs

// Python's numbers take the kind of their neighbours (NEP 50).
TypeRef operand_type(std::span<const Value> operands, TypeRef type) {
  TypeRef own = ir::strong(type);
  for (const Value& other : operands) {
    if (type->weak && !other.type->weak) {
      own = ir::scalar_type(array::promote_weak(other.type->dtype, array::kind_of(type->dtype)));
    }
  }
  return own;
}

Value call_on_scalars(Emitter& e, const HostUfunc& ufunc, std::span<const Value> x) {
  const bool lazy = ufunc.signatures.empty();
  const size_t chosen = lazy ? 0 : choose_signature(e, ufunc, x);
  CallArgs args;
  for (size_t i = 0; i < ufunc.inputs; ++i) {
    args.positional.push_back(e.cast(x[i], lazy ? operand_type(x, x[i].type) : ufunc.signatures[chosen][i]));
  }
  const Value result = call_compiled(e, ufunc.function, args);
  if (result.type == nullptr || !ir::is_number(result.type)) {
    e.fail(ufunc.name + "() returns no number here, so compiled code can't call it");
  }
  return e.cast(result, lazy ? ir::strong(result.type) : ufunc.results[chosen]);
}

Value call_elementwise(Emitter& e, const HostUfunc& ufunc, std::span<const Value> operands) {
  const auto rule = [&ufunc](Emitter& k, std::span<const Value> x) { return call_on_scalars(k, ufunc, x); };
  const bool any_array = std::any_of(operands.begin(), operands.end(), [](const Value& v) { return ir::is_array(v.type); });
  return any_array ? e.elementwise(operands, rule) : rule(e, operands);
}

// ---------------------------------------------------------------- gufuncs

class GufuncCall {
public:
  GufuncCall(Emitter& e, const HostUfunc& ufunc, std::vector<Value> operands) : e_(e), ufunc_(ufunc), operands_(std::move(operands)) {}

  Value emit() {
    check_ranks();
    chosen_ = ufunc_.signatures.empty() ? 0 : choose_signature(e_, ufunc_, operands_);
    for (size_t k = 0; k < operands_.size(); ++k) {
      check_item(k);
    }
    check_core_dimensions();
    find_loop_shape();
    keep_inputs_apart();
    allocate_outputs();
    for (const Value& operand : operands_) {
      steps_.push_back(loop_strides(operand, steps_.size()));
    }
    loop(e_, {});
    std::vector<Value> outputs(operands_.begin() + static_cast<std::ptrdiff_t>(ufunc_.inputs), operands_.end());
    return outputs.size() == 1 ? outputs[0] : e_.tuple(std::move(outputs));
  }

private:
  size_t rank(size_t k) const { return ir::is_array(operands_[k].type) ? operands_[k].type->ndim : 0; }
  size_t core_rank(size_t k) const { return ufunc_.core[k].size(); }
  size_t loop_rank(size_t k) const { return rank(k) - core_rank(k); }
  bool is_input(size_t k) const { return k < ufunc_.inputs; }
  std::string place(size_t k) const {
    return (is_input(k) ? "Input operand " : "Output operand ") + std::to_string(is_input(k) ? k : k - ufunc_.inputs);
  }
  Value equal(const Value& a, const Value& b) { return e_.op(Op::kEq, ir::bool_type(), {a, b}); }

  void check_ranks() {
    for (size_t k = 0; k < operands_.size(); ++k) {
      Value& operand = operands_[k];
      if (!ir::is_array(operand.type) && !(is_input(k) && ir::is_number(operand.type))) {
        e_.fail(ufunc_.name + ": " + place(k) + " must be an array, not " + ir::display(operand.type));
      }
      if (rank(k) < core_rank(k)) {
        e_.fail(ufunc_.name + ": " + place(k) + " does not have enough dimensions (has " + std::to_string(rank(k)) +
                ", gufunc core with signature " + ufunc_.layout + " requires " + std::to_string(core_rank(k)) + ")");
      }
      if (!is_input(k) && operand.type->readonly) {
        e_.fail(ufunc_.name + ": " + place(k) + " is read-only");
      }
    }
  }

  // Inputs become what the signature says; the items of an output must be it.
  void check_item(size_t k) {
    if (ufunc_.signatures.empty()) {
      return;
    }
    TypeRef wanted = item_type(ufunc_.signatures[chosen_][k]);
    if (item_type(operands_[k].type) == wanted) {
      return;
    }
    if (!is_input(k)) {
      e_.fail(ufunc_.name + ": " + place(k) + " must have items of " + ir::display(wanted) + ", not " +
              ir::display(item_type(operands_[k].type)));
    }
    const auto rule = [wanted](Emitter& k, std::span<const Value> x) { return k.cast(x[0], wanted); };
    operands_[k] = ir::is_array(operands_[k].type) ? e_.elementwise(std::array{operands_[k]}, rule) : e_.cast(operands_[k], wanted);
  }

  void refuse_shapes(const Value& wrong) {
    e_.raise_if(wrong, "builtins:ValueError",
                "Loop and array shapes are incompatible: outside of the core dimensions of " + ufunc_.layout + " the operands of " +
                    ufunc_.name + " don't broadcast together");
  }

  // Inputs broadcast; outputs have the whole shape.
  void find_loop_shape() {
    size_t ndim = 0;
    for (size_t k = 0; k < operands_.size(); ++k) {
      ndim = std::max(ndim, loop_rank(k));
    }
    shape_.assign(ndim, e_.integer(1));
    for (size_t k = 0; k < operands_.size(); ++k) {
      refuse_shapes(e_.boolean(!is_input(k) && loop_rank(k) < ndim));
      for (size_t axis = 0; axis < loop_rank(k); ++axis) {
        Value& size = shape_[ndim - loop_rank(k) + axis];
        const Value n = e_.dim(operands_[k], static_cast<int>(axis));
        const Value is_open = equal(size, e_.integer(1));
        const Value any_size = is_input(k) ? e_.op(Op::kOr, ir::bool_type(), {is_open, equal(n, e_.integer(1))}) : is_open;
        refuse_shapes(e_.logical_not(e_.op(Op::kOr, ir::bool_type(), {any_size, equal(n, size)})));
        size = e_.select(is_open, n, size);
      }
    }
    for (size_t k = ufunc_.inputs; k < operands_.size(); ++k) {
      for (size_t axis = 0; axis < loop_rank(k) && loop_rank(k) == ndim; ++axis) {
        refuse_shapes(e_.logical_not(equal(e_.dim(operands_[k], static_cast<int>(axis)), shape_[axis])));
      }
    }
  }

  void check_core_dimensions() {
    for (size_t k = 0; k < operands_.size(); ++k) {
      for (size_t i = 0; i < core_rank(k); ++i) {
        const Value n = e_.dim(operands_[k], static_cast<int>(loop_rank(k) + i));
        const auto [known, is_new] = sizes_.emplace(ufunc_.core[k][i], n);
        if (!is_new) {
          e_.raise_if(e_.logical_not(equal(n, known->second)), "builtins:ValueError",
                      "Operand has a mismatch in one of its core dimensions: " + ufunc_.name + ", " + place(k) + ", dimension " +
                          std::to_string(i) + " of the gufunc signature " + ufunc_.layout);
        }
      }
    }
  }

  // As NumPy does: where an output shares memory with an input but isn't the same view, the input is copied first.
  void keep_inputs_apart() {
    for (size_t k = 0; k < ufunc_.inputs; ++k) {
      Value& input = operands_[k];
      for (size_t out = ufunc_.inputs; out < operands_.size() && ir::is_array(input.type); ++out) {
        TypeRef type = ir::array_type(input.type->elem, input.type->ndim, ir::Layout::kAny, input.type->readonly);
        input = e_.runtime("hst_apart", type, {input, operands_[out]});
      }
    }
  }

  void allocate_outputs() {
    for (size_t k = operands_.size(); k < ufunc_.core.size(); ++k) {
      if (ufunc_.signatures.empty()) {
        e_.fail("Too few arguments for function '" + ufunc_.name + "': without signatures nothing tells the types of its outputs",
                "Pass the outputs, too, or give guvectorize signatures.");
      }
      std::vector<Value> shape = shape_;
      for (const int dimension : ufunc_.core[k]) {
        const auto known = sizes_.find(dimension);
        if (known == sizes_.end()) {
          e_.fail(ufunc_.name + ": " + place(k) + " has a core dimension that no input has", "Pass the output, too.");
        }
        shape.push_back(known->second);
      }
      operands_.push_back(e_.allocate(shape, item_type(ufunc_.signatures[chosen_][k]), false));
    }
  }

  // Bytes from one step of each loop to the next: none along what is broadcast.
  std::vector<Value> loop_strides(const Value& operand, size_t k) {
    std::vector<Value> strides(shape_.size(), e_.integer(0));
    for (size_t axis = 0; ir::is_array(operand.type) && axis < loop_rank(k); ++axis) {
      const Value is_one = equal(e_.dim(operand, static_cast<int>(axis)), e_.integer(1));
      strides[shape_.size() - loop_rank(k) + axis] = e_.select(is_one, e_.integer(0), e_.stride(operand, static_cast<int>(axis)));
    }
    return strides;
  }

  // What the function gets for an operand at one place of the loops: its core dimensions, or its item.
  Value core_argument(Emitter& e, size_t k, const std::vector<Value>& positions) {
    const Value& operand = operands_[k];
    const bool wants_item = ufunc_.signatures.empty() ? is_input(k) && core_rank(k) == 0 : !ir::is_array(ufunc_.signatures[chosen_][k]);
    if (!ir::is_array(operand.type)) {
      return wants_item ? e.cast(operand, ir::strong(operand.type)) : as_array(e, e.tuple({operand}));
    }
    Value offset = e.integer(0);
    for (size_t axis = 0; axis < positions.size(); ++axis) {
      const Value bytes = e.op(Op::kMul, ir::intp_type(), {positions[axis], steps_[k][axis]});
      offset = e.op(Op::kAdd, ir::intp_type(), {offset, bytes});
    }
    std::vector<Value> args{operand, offset};
    for (size_t i = 0; i < core_rank(k); ++i) {
      args.push_back(e.dim(operand, static_cast<int>(loop_rank(k) + i)));
    }
    for (size_t i = 0; i < core_rank(k); ++i) {
      args.push_back(e.stride(operand, static_cast<int>(loop_rank(k) + i)));
    }
    TypeRef elem = operand.type->elem;
    if (wants_item) {
      return e.op(Op::kLoad, elem, {e.op(Op::kView, ir::array_type(elem, 0, ir::Layout::kAny, operand.type->readonly), args)});
    }
    if (core_rank(k) == 0) {
      args.push_back(e.integer(1));
      args.push_back(e.integer(ir::item_bytes(elem)));
    }
    const int ndim = static_cast<int>(std::max<size_t>(core_rank(k), 1));
    return e.op(Op::kView, ir::array_type(elem, ndim, ir::Layout::kAny, operand.type->readonly), args);
  }

  void loop(Emitter& e, const std::vector<Value>& positions) {
    if (positions.size() == shape_.size()) {
      CallArgs args;
      for (size_t k = 0; k < operands_.size(); ++k) {
        args.positional.push_back(core_argument(e, k, positions));
      }
      call_compiled(e, ufunc_.function, args);
      if (!e.dry()) {
        e.builder().emit(Op::kPoll, ir::none_type(), {});
      }
      return;
    }
    fold_loop(e, shape_[positions.size()], e.boolean(true), [&](Emitter& inner, const Value& acc, const Value& position) {
      std::vector<Value> deeper = positions;
      deeper.push_back(position);
      loop(inner, deeper);
      return acc;
    });
  }

  Emitter& e_;
  const HostUfunc& ufunc_;
  std::vector<Value> operands_;
  size_t chosen_ = 0; // signature
  std::vector<Value> shape_;
  std::map<int, Value> sizes_;            // of core dimensions
  std::vector<std::vector<Value>> steps_; // of each operand along each loop
};

} // namespace

Value call_ufunc(Emitter& e, const Value& function, const CallArgs& args) {
  const auto ufunc = e.session().host().ufunc(std::stoull(function.type->name.substr(6)));
  if (ufunc == nullptr) {
    e.fail("this ufunc can't be called in compiled code", "Make it with vectorize or guvectorize.");
  }
  if (!args.keywords.empty()) {
    e.fail(ufunc->name + "() takes no keywords in compiled code");
  }
  std::vector<Value> operands;
  for (const Value& v : args.positional) {
    const Value operand = e.unwrap(v);
    operands.push_back(ir::is_number(operand.type) ? operand : as_array(e, operand));
  }
  const bool is_complete = operands.size() == ufunc->inputs + ufunc->outputs;
  if (operands.size() != ufunc->inputs && (ufunc->layout.empty() || !is_complete)) {
    const size_t most = ufunc->inputs + (ufunc->layout.empty() ? 0 : ufunc->outputs);
    e.fail(ufunc->name + "() takes " + std::to_string(ufunc->inputs) + " inputs" +
           (ufunc->layout.empty() ? "" : ", and its outputs behind them: " + std::to_string(most)) + "; it got " +
           std::to_string(operands.size()));
  }
  return ufunc->layout.empty() ? call_elementwise(e, *ufunc, operands) : GufuncCall(e, *ufunc, std::move(operands)).emit();
}

} // namespace hasten::infer
