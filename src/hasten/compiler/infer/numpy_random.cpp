// numpy.random's functions of the legacy generator: its own stream, same seed, same bits.
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Op;
using ir::TypeRef;

namespace {

TypeRef float64(Emitter& e) { return e.numba() ? ir::scalar_type(DType::kFloat64) : ir::float_type(); }

// Numbers drawn one at a time (Python floats and ints, as numpy.random gives them) or into a new array.
Value draw(Emitter& e, const Value& size, std::string_view one, std::string_view fill, TypeRef type, const std::vector<Value>& parameters) {
  if (!given(size)) {
    return e.runtime(one, type, parameters);
  }
  const Value made = e.allocate(shape_argument(e, size), type, false);
  std::vector<Value> args{made};
  args.insert(args.end(), parameters.begin(), parameters.end());
  e.runtime(fill, ir::none_type(), args);
  return made;
}

Value real(Emitter& e, const Value& v, double otherwise) {
  if (!given(v)) {
    return e.floating(otherwise, float64(e));
  }
  const Value x = e.unwrap(v);
  if (!ir::is_real(x.type)) {
    e.fail("a parameter of a distribution is a number in compiled code, not " + ir::display(x.type));
  }
  return e.cast(x, float64(e));
}

Value seed(Emitter& e, const CallArgs& args) {
  e.runtime("hst_random_seed", ir::none_type(), {e.intp(bind(e, "seed", args, {"seed"})[0], "the seed")});
  return e.none();
}

Value random(Emitter& e, const CallArgs& args) {
  return draw(e, bind(e, "random", args, {"size?"})[0], "hst_random_double", "hst_random_fill_double", float64(e), {});
}

Value shape_of(Emitter& e, const CallArgs& args) {
  if (!args.keywords.empty()) {
    e.fail("rand() and randn() take no keywords");
  }
  return args.positional.empty() ? Value{} : e.tuple(args.positional);
}

Value rand(Emitter& e, const CallArgs& args) {
  return draw(e, shape_of(e, args), "hst_random_double", "hst_random_fill_double", float64(e), {});
}

Value normal_draw(Emitter& e, const Value& loc, const Value& scale, const Value& size) {
  const Value spread = real(e, scale, 1);
  e.raise_if(e.op(Op::kLt, ir::bool_type(), {spread, e.floating(0, spread.type)}), "builtins:ValueError", "scale < 0");
  return draw(e, size, "hst_random_normal", "hst_random_fill_normal", float64(e), {real(e, loc, 0), spread});
}

Value randn(Emitter& e, const CallArgs& args) { return normal_draw(e, {}, {}, shape_of(e, args)); }
Value standard_normal(Emitter& e, const CallArgs& args) { return normal_draw(e, {}, {}, bind(e, "standard_normal", args, {"size?"})[0]); }

Value normal(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "normal", args, {"loc?", "scale?", "size?"});
  return normal_draw(e, b[0], b[1], b[2]);
}

Value uniform(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "uniform", args, {"low?", "high?", "size?"});
  return draw(e, b[2], "hst_random_uniform", "hst_random_fill_uniform", float64(e), {real(e, b[0], 0), real(e, b[1], 1)});
}

Value randint(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "randint", args, {"low", "high?", "size?"});
  TypeRef type = e.numba() ? ir::intp_type() : ir::int_type();
  const Value first = e.cast(e.intp(b[0], "low"), type);
  const Value low = given(b[1]) ? first : e.integer(0, type);
  const Value high = given(b[1]) ? e.cast(e.intp(b[1], "high"), type) : first;
  e.raise_if(e.op(Op::kGe, ir::bool_type(), {low, high}), "builtins:ValueError", "low >= high");
  return draw(e, b[2], "hst_random_randint", "hst_random_fill_randint", type, {low, high});
}

constexpr std::array kRules{
    RuleEntry{"numpy.random.seed", seed},
    RuleEntry{"numpy.random.random", random},
    RuleEntry{"numpy.random.random_sample", random},
    RuleEntry{"numpy.random.ranf", random},
    RuleEntry{"numpy.random.sample", random},
    RuleEntry{"numpy.random.rand", rand},
    RuleEntry{"numpy.random.randn", randn},
    RuleEntry{"numpy.random.normal", normal},
    RuleEntry{"numpy.random.standard_normal", standard_normal},
    RuleEntry{"numpy.random.uniform", uniform},
    RuleEntry{"numpy.random.randint", randint},
};

} // namespace

std::span<const RuleEntry> numpy_random_rules() { return kRules; }

} // namespace hasten::infer
