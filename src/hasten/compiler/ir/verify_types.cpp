#include "hasten/compiler/ir/verify_types.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"

namespace hasten::ir {
namespace {

enum Kinds : unsigned { kBools = 1, kInts = 2, kFloats = 4, kComplexes = 8, kTimes = 16 };
constexpr unsigned kAllScalars = 31;

bool is_of(TypeRef type, unsigned kinds) { return type->kind <= Kind::kDatetime && (kinds >> static_cast<unsigned>(type->kind) & 1) != 0; }
bool is_scalar(TypeRef type) { return is_of(type, kAllScalars); }
bool is_int64(TypeRef type) { return same_representation(type, intp_type()); }

// One instruction under check. Each check below returns what is wrong, or an empty text.
struct Site {
  const Module& module;
  const Function& function;
  const Instr& instr;

  size_t count() const { return instr.args.size(); }
  TypeRef arg(size_t i) const { return function.values[instr.args[i]].type; }
  TypeRef result() const { return instr.type; }
  const Function* callee() const {
    const size_t index = kernel_index(instr);
    return index < module.functions.size() ? &module.functions[index] : nullptr;
  }
  bool int64s(size_t from, size_t to) const {
    for (size_t i = from; i < to; ++i) {
      if (!is_int64(arg(i))) {
        return false;
      }
    }
    return true;
  }
  bool fits(size_t i, TypeRef type) const { return same_representation(arg(i), type); }
};

std::string mismatch(const std::string& what, TypeRef found, TypeRef expected) {
  return what + " is " + found->text + " where " + expected->text + " belongs";
}

std::string anything(const Site&) { return {}; }

std::string constant(const Site& s) {
  const auto index = static_cast<size_t>(s.instr.aux);
  if (index >= s.function.constants.size()) {
    return "no such constant";
  }
  if (s.function.constants[index].type != s.result()) {
    return mismatch("the constant", s.function.constants[index].type, s.result());
  }
  return is_scalar(s.result()) || slot_count(s.result()) == 0 ? "" : "a constant is a scalar or has no content";
}

std::string param(const Site& s) {
  const auto index = static_cast<size_t>(s.instr.aux);
  if (index >= s.function.params.size()) {
    return "no such parameter";
  }
  TypeRef declared = s.function.params[index];
  return same_representation(declared, s.result()) ? "" : mismatch("the parameter", declared, s.result());
}

std::string binding(const Site& s) {
  const auto index = static_cast<size_t>(s.instr.aux);
  if (index >= s.module.bindings.size()) {
    return "no such binding";
  }
  return s.module.bindings[index].has_slots() && s.module.bindings[index].type == s.result()
             ? ""
             : mismatch("the binding", s.module.bindings[index].type, s.result());
}

std::string phi(const Site& s) {
  const auto& preds = s.function.blocks[s.instr.block].preds;
  if (s.count() != preds.size()) {
    return "a phi has one operand for each predecessor";
  }
  for (size_t i = 0; i < s.count(); ++i) {
    if (!s.fits(i, s.result())) {
      return mismatch("operand " + std::to_string(i), s.arg(i), s.result());
    }
    const auto first = static_cast<size_t>(std::find(preds.begin(), preds.end(), preds[i]) - preds.begin());
    if (s.instr.args[first] != s.instr.args[i]) {
      return "two edges from one block bring different operands";
    }
  }
  return {};
}

template <unsigned kinds> std::string one_type(const Site& s) {
  for (size_t i = 0; i < s.count(); ++i) {
    if (!s.fits(i, s.result())) {
      return mismatch("operand " + std::to_string(i), s.arg(i), s.result());
    }
  }
  return is_of(s.result(), kinds) ? "" : "not defined on " + s.result()->text;
}

template <unsigned kinds> std::string comparison(const Site& s) {
  if (!s.fits(1, s.arg(0))) {
    return mismatch("operand 1", s.arg(1), s.arg(0));
  }
  if (!is_of(s.arg(0), kinds)) {
    return "not defined on " + s.arg(0)->text;
  }
  return s.result()->kind == Kind::kBool ? "" : "the result of a comparison is a bool";
}

std::string select(const Site& s) {
  if (s.arg(0)->kind != Kind::kBool) {
    return "the condition is no bool";
  }
  for (size_t i = 1; i < 3; ++i) {
    if (!s.fits(i, s.result())) {
      return mismatch("operand " + std::to_string(i), s.arg(i), s.result());
    }
  }
  return {};
}

std::string cast(const Site& s) { return is_scalar(s.arg(0)) && is_scalar(s.result()) ? "" : "a cast is from scalar to scalar"; }

std::string bitcast(const Site& s) {
  return cast(s).empty() && item_bytes(s.arg(0)) == item_bytes(s.result()) ? "" : "a bitcast is between scalars of one size";
}

bool is_part_of(TypeRef real, TypeRef whole) { return is_float(real) && is_complex(whole) && 2 * real->bits == whole->bits; }

std::string make_complex(const Site& s) {
  return is_part_of(s.arg(0), s.result()) && is_part_of(s.arg(1), s.result()) ? "" : "a complex is made of two floats of half its size";
}

std::string complex_part(const Site& s) {
  return is_part_of(s.result(), s.arg(0)) ? "" : "the part of a complex is a float of half its size";
}

std::string intrinsic(const Site& s) {
  if (s.instr.aux < 0 || s.instr.aux >= kIntrinsicCount) {
    return "no such intrinsic";
  }
  const IntrinsicInfo& intrinsic = info(static_cast<Intrinsic>(s.instr.aux));
  if (s.count() != static_cast<size_t>(intrinsic.operands)) {
    return std::string(intrinsic.name) + " takes " + std::to_string(intrinsic.operands) + " operands";
  }
  for (size_t i = 0; i < s.count(); ++i) {
    if (!is_of(s.arg(i), intrinsic.on_integers ? kInts : kFloats) || !s.fits(i, s.arg(0))) {
      return std::string(intrinsic.name) + " is not defined on " + s.arg(i)->text;
    }
  }
  TypeRef expected = intrinsic.gives_bool ? bool_type() : s.arg(0);
  return same_representation(s.result(), expected) ? "" : mismatch("the result", s.result(), expected);
}

std::string scalars(const Site& s) {
  if (static_cast<size_t>(s.instr.aux) >= s.module.symbols.size()) {
    return "no such symbol";
  }
  for (size_t i = 0; i < s.count(); ++i) {
    if (!is_scalar(s.arg(i))) {
      return "operand " + std::to_string(i) + " is no scalar";
    }
  }
  return is_scalar(s.result()) ? "" : "the result is no scalar";
}

std::string make_aggregate(const Site& s) {
  if (!is_aggregate(s.result()) || part_count(s.result()) != s.count()) {
    return "the operands are not the items of " + s.result()->text;
  }
  for (size_t i = 0; i < s.count(); ++i) {
    if (!s.fits(i, part(s.result(), i))) {
      return mismatch("operand " + std::to_string(i), s.arg(i), part(s.result(), i));
    }
  }
  return {};
}

std::string item(const Site& s) {
  const auto index = static_cast<size_t>(s.instr.aux);
  if (!is_aggregate(s.arg(0)) || index >= part_count(s.arg(0))) {
    return "no such item of " + s.arg(0)->text;
  }
  TypeRef expected = part(s.arg(0), index);
  return same_representation(s.result(), expected) ? "" : mismatch("the result", s.result(), expected);
}

std::string dim(const Site& s) {
  if (!is_array(s.arg(0)) || s.instr.aux < 0 || s.instr.aux >= s.arg(0)->ndim) {
    return "no such axis of " + s.arg(0)->text;
  }
  return is_int64(s.result()) ? "" : "the result is no int64";
}

std::string view(const Site& s) {
  if (s.count() == 0 || !is_array(s.arg(0)) || !is_array(s.result()) || s.count() != 2 + 2 * size_t{s.result()->ndim}) {
    return "a view takes an array, an offset, and one size and one stride for each axis";
  }
  return s.int64s(1, s.count()) ? "" : "offset, sizes and strides are int64";
}

std::string relabel(const Site& s) {
  TypeRef from = s.arg(0);
  TypeRef to = s.result();
  if (!is_array(from) || !is_array(to) || from->dtype != to->dtype || from->ndim != to->ndim) {
    return "a relabelled array keeps its dtype and rank";
  }
  if (from->layout != to->layout && to->layout != Layout::kAny) {
    return "a relabelled array gets a weaker layout";
  }
  return from->readonly && !to->readonly ? "a relabelled array stays readonly" : "";
}

std::string load(const Site& s) {
  if (s.count() == 0 || !is_array(s.arg(0)) || s.count() != 1 + size_t{s.arg(0)->ndim} || !s.int64s(1, s.count())) {
    return "a load takes an array and one int64 for each axis";
  }
  return same_representation(s.result(), s.arg(0)->elem) ? "" : mismatch("the result", s.result(), s.arg(0)->elem);
}

std::string store(const Site& s) {
  if (s.count() == 0 || !is_array(s.arg(0)) || s.count() != 2 + size_t{s.arg(0)->ndim} || !s.int64s(1, s.count() - 1)) {
    return "a store takes an array, one int64 for each axis, and the value";
  }
  if (s.arg(0)->readonly) {
    return "the array is readonly";
  }
  const size_t last = s.count() - 1;
  return s.fits(last, s.arg(0)->elem) ? "" : mismatch("the value", s.arg(last), s.arg(0)->elem);
}

std::string index_check(const Site& s) { return s.int64s(0, 2) && is_int64(s.result()) ? "" : "index, size and result are int64"; }

std::string alloc(const Site& s) {
  if (!is_array(s.result()) || s.count() != s.result()->ndim || !s.int64s(0, s.count())) {
    return "an allocation takes one int64 for each axis and gives an array";
  }
  return s.instr.aux == 0 || s.instr.aux == 1 ? "" : "the immediate is 0 or 1";
}

// Operands from `first` on against the kernel's parameters; `spare`: how many parameters may have none.
std::string kernel_operands(const Site& s, size_t first, size_t spare) {
  const Function* kernel = s.callee();
  if (kernel == nullptr || !kernel->kernel) {
    return "no such kernel";
  }
  const size_t given = s.count() - first;
  if (given > kernel->params.size() || kernel->params.size() - given > spare) {
    return "the kernel takes " + std::to_string(kernel->params.size()) + " operands";
  }
  for (size_t i = 0; i < given; ++i) {
    TypeRef item = is_array(s.arg(first + i)) ? s.arg(first + i)->elem : s.arg(first + i);
    if (!same_representation(item, kernel->params[i])) {
      return mismatch("operand " + std::to_string(first + i), item, kernel->params[i]);
    }
  }
  return given == kernel->params.size() || is_int64(kernel->params.back()) ? "" : "the linear index is an int64";
}

std::string kernel_result(const Site& s, TypeRef array) {
  TypeRef found = s.callee()->result;
  return is_array(array) && same_representation(found, array->elem) ? "" : mismatch("the kernel's result", found, array);
}

size_t rank_of_operands(const Site& s, size_t first) {
  size_t rank = 0;
  for (size_t i = first; i < s.count(); ++i) {
    rank = std::max(rank, is_array(s.arg(i)) ? size_t{s.arg(i)->ndim} : 0);
  }
  return rank;
}

std::string ewise(const Site& s) {
  std::string wrong = kernel_operands(s, 0, 0);
  if (!wrong.empty()) {
    return wrong;
  }
  std::string wrong_result = kernel_result(s, s.result());
  if (!wrong_result.empty()) {
    return wrong_result;
  }
  return rank_of_operands(s, 0) == s.result()->ndim ? "" : "the result has the highest rank of the operands";
}

std::string ewise_shaped(const Site& s) {
  const size_t rank = is_array(s.result()) ? s.result()->ndim : 0;
  if (!is_array(s.result()) || s.count() < rank || !s.int64s(0, rank)) {
    return "the first operands are the shape of the result, int64";
  }
  std::string wrong = kernel_operands(s, rank, 1);
  if (!wrong.empty()) {
    return wrong;
  }
  return rank_of_operands(s, rank) <= rank ? kernel_result(s, s.result()) : "an operand has a higher rank than the result";
}

std::string ewise_into(const Site& s) {
  if (s.count() == 0 || !is_array(s.arg(0))) {
    return "the first operand is the array that is written";
  }
  if (s.arg(0)->readonly) {
    return "the array is readonly";
  }
  std::string wrong = kernel_operands(s, 1, 0);
  return wrong.empty() ? kernel_result(s, s.arg(0)) : wrong;
}

std::string ewise_reduce(const Site& s) {
  const int64_t kind = s.instr.aux >> 32;
  if (kind < 0 || kind >= kReduceKinds) {
    return "no such reduction";
  }
  std::string wrong = kernel_operands(s, 0, 0);
  if (!wrong.empty()) {
    return wrong;
  }
  return same_representation(s.result(), s.callee()->result) ? "" : mismatch("the result", s.result(), s.callee()->result);
}

std::string runtime(const Site& s) {
  const auto index = static_cast<size_t>(s.instr.aux);
  if (index >= s.module.symbols.size()) {
    return "no such symbol";
  }
  return s.module.symbols[index].status ? "" : s.module.symbols[index].name + " gives no status";
}

std::string call(const Site& s) {
  const Function* callee = s.callee();
  if (callee == nullptr || callee->kernel || callee->loop_body) {
    return "no such function";
  }
  if (callee->params.size() != s.count()) {
    return "the function takes " + std::to_string(callee->params.size()) + " operands";
  }
  for (size_t i = 0; i < s.count(); ++i) {
    if (!s.fits(i, callee->params[i])) {
      return mismatch("operand " + std::to_string(i), s.arg(i), callee->params[i]);
    }
  }
  return same_representation(s.result(), callee->result) ? "" : mismatch("the result", s.result(), callee->result);
}

std::string parallel_for(const Site& s) {
  const Function* body = s.callee();
  if (body == nullptr || !body->loop_body) {
    return "no such loop body";
  }
  if (body->params.size() != s.count() + 1 || s.count() == 0 || !s.int64s(0, 1)) {
    return "a parallel loop takes its length and what the body captures";
  }
  for (size_t i = 1; i < s.count(); ++i) {
    if (!s.fits(i, body->params[i + 1])) {
      return mismatch("operand " + std::to_string(i), s.arg(i), body->params[i + 1]);
    }
  }
  if (s.result()->kind != Kind::kTuple || s.result()->items.size() != body->reductions.size()) {
    return "the result is a tuple of one item for each reduction";
  }
  return same_representation(s.result(), body->result) ? "" : mismatch("the result", s.result(), body->result);
}

std::string raise(const Site& s) { return static_cast<size_t>(s.instr.aux) < s.module.sites.size() ? "" : "no such raise site"; }

std::string raise_if(const Site& s) {
  return s.count() != 0 && s.arg(0)->kind == Kind::kBool ? raise(s) : "the first operand is the condition, a bool";
}

std::string counted(const Site& s) { return s.arg(0)->counted ? "" : s.arg(0)->text + " holds no counts"; }

std::string condition(const Site& s) { return s.arg(0)->kind == Kind::kBool ? "" : "the condition is no bool"; }

std::string ret(const Site& s) { return s.fits(0, s.function.result) ? "" : mismatch("what is returned", s.arg(0), s.function.result); }

constexpr auto kChecks = std::to_array<std::string (*)(const Site&)>({
#define HASTEN_RULE(name, aux, value, types) types,
#include "hasten/compiler/ir/rules.def"
#undef HASTEN_RULE
});

} // namespace

std::string verify_types(const Module& module, const Function& function, const Instr& instr) {
  const int operands = info(instr.op).operands;
  if (operands >= 0 && instr.args.size() != static_cast<size_t>(operands)) {
    return "it takes " + std::to_string(operands) + " operands";
  }
  if (aux_of(instr.op) == Aux::kNone && instr.aux != 0) {
    return "its immediate has no meaning";
  }
  return kChecks[static_cast<size_t>(instr.op)]({module, function, instr});
}

} // namespace hasten::ir
