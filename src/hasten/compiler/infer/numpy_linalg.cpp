// Products of vectors and matrices, through NumPy's own BLAS.
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using ir::Layout;
using ir::Op;
using ir::TypeRef;

namespace {

Value as_elem(Emitter& e, const Value& a, TypeRef elem) {
  if (a.type->elem == elem) {
    return a;
  }
  return e.elementwise(std::array{a}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
}

// `face`: whose rules and messages, "hst_dot_" or "hst_matmul_".
Value product(Emitter& e, const std::string& face, const Value& left, const Value& right) {
  TypeRef elem = ir::scalar_type(array::promote(left.type->elem->dtype, right.type->elem->dtype));
  const Value a = as_elem(e, left, elem);
  const Value b = as_elem(e, right, elem);
  const int x = a.type->ndim;
  const int y = b.type->ndim;
  if (x < 1 || y < 1 || x > 2 || y > 2) {
    e.fail("products of arrays with " + std::to_string(x) + " and " + std::to_string(y) + " dimensions can't be compiled yet");
  }
  if (x == 1 && y == 1) {
    return e.runtime(face + "vv_" + elem->text, elem, {a, b});
  }
  const std::string symbol = face + (x == 1 ? "vm" : y == 1 ? "mv" : "mm");
  return e.runtime(symbol, ir::array_type(elem, x + y - 2, Layout::kC), {a, b});
}

Value dot(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "dot", args, {"a", "b"});
  const Value x = e.unwrap(b[0]);
  const Value y = e.unwrap(b[1]);
  if (ir::is_number(x.type) || ir::is_number(y.type)) {
    return binary(e, Operator::kMul, x, y);
  }
  return product(e, "hst_dot_", as_array(e, x), as_array(e, y));
}

Value matmul(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "matmul", args, {"x1", "x2"});
  return matrix_multiply(e, b[0], b[1]);
}

Value outer(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "outer", args, {"a", "b"});
  const Value x = as_array(e, e.unwrap(b[0]));
  const Value y = as_array(e, e.unwrap(b[1]));
  const Value row = find_rule("array.ravel")(e, {{y}, {}});
  const Value flat = find_rule("array.ravel")(e, {{x}, {}});
  const Value full =
      e.aggregate(ir::slice_type(ir::none_type(), ir::none_type(), ir::none_type()), std::array{e.none(), e.none(), e.none()});
  return binary(e, Operator::kMul, subscript(e, flat, e.tuple({full, e.none()})), row);
}

constexpr std::array kRules{
    RuleEntry{"numpy.dot", dot},
    RuleEntry{"array.dot", dot},
    RuleEntry{"numpy.matmul", matmul},
    RuleEntry{"numpy.outer", outer},
};

} // namespace

Value matrix_multiply(Emitter& e, const Value& a, const Value& b) {
  if (!ir::is_array(a.type) || !ir::is_array(b.type)) {
    e.fail("unsupported operand types for @: " + ir::display(a.type) + " and " + ir::display(b.type));
  }
  return product(e, e.numba() ? "hst_dot_" : "hst_matmul_", a, b);
}

std::span<const RuleEntry> numpy_linalg_rules() { return kRules; }

} // namespace hasten::infer
