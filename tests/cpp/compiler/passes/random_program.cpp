#include "random_program.h"

#include <algorithm>
#include <array>
#include <random>

#include "hasten/compiler/ir/builder.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/rules.h"

namespace hasten::passes::testing {
namespace {

using namespace ir;

// Kernel k has index k; the function itself is 0.
constexpr const char* kModule = R"(site 0 = binding 0 ()
func main(array(float64, 1d, A), array(float64, 1d, A), array(float64, 2d, A), int64, float64) -> none
func add(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = add %0, %1 : float64
  ret %2
func scaled(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = const 0.5 : float64
  %3 = mul %0, %2 : float64
  %4 = sub %3, %1 : float64
  ret %4
func root(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = ufunc "npy_loop.sqrt.dd" %0 : float64
  ret %1
func branchy(float64, float64) -> float64 kernel
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = lt %0, %1 : bool
  condbr %2, b1, b2
b1: <- b0
  %3 = sub %1, %0 : float64
  br b2
b2: <- b0, b1
  %4 = phi %0, %3 : float64
  ret %4
func iota(float64, int64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : int64
  %2 = cast %1 : float64
  %3 = add %2, %0 : float64
  ret %3
func same(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
)";
constexpr int64_t kAdd = 1, kScaled = 2, kRoot = 3, kBranchy = 4, kIota = 5, kSame = 6;

class Generator {
public:
  explicit Generator(uint32_t seed) : random_(seed), module_(parse(kModule)), b_(module_, module_.functions[0]) {}

  Module run() {
    // Kernels are not added while the builder refers to function 0.
    b_.set_block(b_.new_block());
    const auto& params = b_.function().params;
    line_ = params[0];
    plane_ = params[2];
    for (int i = 0; i < 5; ++i) {
      b_.param(i);
    }
    vars_ = {0, 1, 0, 2, 2, 3, integer(0), 4, number(1.5)};
    statements(3 + below(6), 0);
    std::vector<TypeRef> types;
    for (ValueId v : vars_) {
      types.push_back(b_.type(v));
    }
    b_.function().result = tuple_type(types);
    b_.ret(b_.emit(Op::kTuple, b_.function().result, {vars_.begin(), vars_.end()}));
    return std::move(module_);
  }

private:
  // vars_: three lines, two planes, two ints, two floats.
  static constexpr size_t kLines = 0, kPlanes = 3, kInts = 5, kFloats = 7, kVars = 9;

  uint32_t below(size_t n) { return static_cast<uint32_t>(random_() % n); }
  bool flip(uint32_t one_in) { return below(one_in) == 0; }
  ValueId integer(int64_t value) { return b_.constant_int(intp_type(), value); }
  ValueId number(double value) {
    Constant constant{line_->elem};
    constant.re = value;
    return b_.constant(constant);
  }
  TypeRef c(TypeRef type) { return array_type(type->elem, type->ndim, Layout::kC); }

  ValueId line() { return vars_[kLines + below(3)]; }
  ValueId plane() { return vars_[kPlanes + below(2)]; }
  ValueId array() { return flip(3) ? plane() : line(); }
  ValueId scalar() { return vars_[kFloats + below(2)]; }
  ValueId dim(ValueId v, int64_t axis) { return b_.emit(Op::kDim, intp_type(), {v}, axis); }

  ValueId an_int() {
    if (!positions_.empty() && !flip(3)) {
      const ValueId p = positions_[below(positions_.size())].position;
      return flip(3) ? b_.emit(flip(2) ? Op::kAdd : Op::kSub, intp_type(), {p, integer(1)}) : p;
    }
    return flip(2) ? integer(static_cast<int64_t>(below(4)) - 1) : vars_[kInts + below(2)];
  }

  void statements(uint32_t count, int depth) {
    for (uint32_t i = 0; i < count; ++i) {
      statement(depth);
    }
  }

  void statement(int depth) {
    switch (below(depth < 2 ? 14 : 10)) {
    case 0:
    case 1:
    case 2:
      return assign_array(expression(3));
    case 3:
      b_.emit(Op::kEwiseInto, none_type(), into());
      b_.function().values.back().aux = kScaled;
      return;
    case 4: {
      const ValueId v = indexed_array();
      vars_[kFloats + below(2)] = b_.emit(Op::kLoad, line_->elem, indexed(v));
      return;
    }
    case 5:
    case 6: {
      std::vector<ValueId> args = indexed(indexed_array());
      args.push_back(scalar());
      b_.emit(Op::kStore, none_type(), args);
      return;
    }
    case 7:
      return scalar_statement();
    case 8:
      vars_[kFloats + below(2)] = b_.emit(Op::kEwiseReduce, line_->elem, {expression(2), scalar()}, kAdd);
      return;
    case 9:
      return view_statement();
    case 10:
    case 11:
      return loop(depth);
    case 12:
      return branch(depth);
    default:
      b_.emit(Op::kRaiseIf, none_type(), {b_.emit(Op::kGt, bool_type(), {vars_[kInts], integer(static_cast<int64_t>(below(9)))})}, 0);
    }
  }

  std::vector<ValueId> into() {
    const ValueId target = array();
    return {target, flip(2) ? expression(2) : scalar(), scalar()};
  }

  // An array expression, each node a statement of its own as infer emits it.
  ValueId expression(int depth) {
    if (depth == 0 || flip(3)) {
      return array();
    }
    const ValueId a = expression(depth - 1);
    ValueId b = flip(3) ? scalar() : flip(4) ? a : expression(depth - 1);
    const std::array kTwo{kAdd, kScaled, kBranchy};
    if (flip(8)) {
      return shaped(a);
    }
    if (flip(4)) {
      return ewise(kRoot, {a});
    }
    return ewise(kTwo[below(5) < 4 ? below(2) : 2], {a, b});
  }

  ValueId ewise(int64_t kernel, std::vector<ValueId> args) {
    TypeRef type = line_;
    for (ValueId v : args) {
      type = is_array(b_.type(v)) && b_.type(v)->ndim == 2 ? plane_ : type;
    }
    return b_.emit(Op::kEwise, c(type), std::move(args), kernel);
  }

  // Like another array, or of a size of its own.
  ValueId shaped(ValueId like) {
    std::vector<ValueId> args;
    for (int64_t axis = 0; axis < b_.type(like)->ndim; ++axis) {
      args.push_back(flip(5) ? integer(static_cast<int64_t>(below(4))) : dim(like, axis));
    }
    if (flip(3)) {
      return b_.emit(Op::kAlloc, c(b_.type(like)), args, 1);
    }
    args.push_back(scalar());
    return b_.emit(Op::kEwiseShaped, c(b_.type(like)), args, flip(2) ? kIota : kSame);
  }

  void assign_array(ValueId v) {
    const bool is_plane = b_.type(v)->ndim == 2;
    TypeRef type = is_plane ? plane_ : line_;
    const ValueId weaker = b_.type(v) == type ? v : b_.emit(Op::kRelabel, type, {v});
    vars_[is_plane ? kPlanes + below(2) : kLines + below(3)] = weaker;
  }

  // Rather what the loop around goes over.
  ValueId indexed_array() { return positions_.empty() || flip(3) ? array() : positions_.back().array; }

  std::vector<ValueId> indexed(ValueId v) {
    std::vector<ValueId> args{v};
    for (int64_t axis = 0; axis < b_.type(v)->ndim; ++axis) {
      args.push_back(b_.emit(Op::kCheckIndex, intp_type(), {an_int(), dim(v, axis)}, axis));
    }
    return args;
  }

  void scalar_statement() {
    if (flip(2)) {
      const Op op = std::array{Op::kAdd, Op::kSub, Op::kMin, Op::kMax, Op::kMul}[below(5)];
      vars_[kInts + below(2)] = b_.emit(op, intp_type(), {an_int(), flip(2) ? an_int() : dim(array(), 0)});
      return;
    }
    const ValueId smaller = b_.emit(Op::kLt, bool_type(), {scalar(), scalar()});
    const ValueId sum = b_.emit(Op::kAdd, line_->elem, {scalar(), scalar()});
    vars_[kFloats + below(2)] = b_.emit(Op::kSelect, line_->elem, {smaller, sum, scalar()});
  }

  // a[lo:n]: clamped as infer clamps slices; sometimes the whole array.
  void view_statement() {
    const ValueId v = line();
    const ValueId n = dim(v, 0);
    const ValueId low = flip(3) ? integer(0) : b_.emit(Op::kMin, intp_type(), {b_.emit(Op::kMax, intp_type(), {an_int(), integer(0)}), n});
    const ValueId size = b_.emit(Op::kMax, intp_type(), {b_.emit(Op::kSub, intp_type(), {n, low}), integer(0)});
    const ValueId stride = b_.emit(Op::kStride, intp_type(), {v}, 0);
    const ValueId offset = b_.emit(Op::kMul, intp_type(), {low, stride});
    vars_[kLines + below(3)] = b_.emit(Op::kView, line_, {v, offset, size, stride});
  }

  // for k in range(start, stop): with the poll in strips that infer writes.
  void loop(int depth) {
    const ValueId over = array();
    const ValueId stop = flip(4) ? vars_[kInts + below(2)] : dim(over, 0);
    const ValueId start = flip(2) ? integer(0) : integer(static_cast<int64_t>(below(3)));
    const ValueId bounded = b_.emit(Op::kMin, intp_type(), {stop, integer(6)});
    const bool down = flip(4);
    const ValueId distance = b_.emit(Op::kSub, intp_type(), {flip(3) ? bounded : stop, start});
    const ValueId length = b_.emit(Op::kMax, intp_type(), {distance, integer(0)});
    const ValueId zero = integer(0);
    const BlockId header = b_.new_block();
    b_.br(header);
    b_.set_block(header);
    const ValueId position = b_.phi(intp_type());
    std::vector<ValueId> phis;
    for (ValueId v : vars_) {
      phis.push_back(b_.phi(b_.type(v)));
    }
    const std::array<ValueId, kVars> entering = vars_;
    std::copy(phis.begin(), phis.end(), vars_.begin());
    const std::array<ValueId, kVars> at_header = vars_;
    const BlockId body = b_.new_block();
    const BlockId after = b_.new_block();
    b_.cond_br(b_.emit(Op::kLt, bool_type(), {position, length}), body, after);
    b_.set_block(body);
    const ValueId forth = b_.emit(Op::kAdd, intp_type(), {start, position});
    const ValueId last = b_.emit(Op::kSub, intp_type(), {stop, integer(1)});
    const ValueId back = b_.emit(Op::kMul, intp_type(), {position, integer(-1)});
    positions_.push_back({down ? b_.emit(Op::kAdd, intp_type(), {last, back}) : forth, over});
    statements(1 + below(3), depth + 1);
    positions_.pop_back();
    const ValueId next = b_.emit(Op::kAdd, intp_type(), {position, integer(1)});
    b_.br(header);
    // Operands follow the predecessors: from before the loop, then from its end.
    b_.add_incoming(position, zero);
    b_.add_incoming(position, next);
    for (size_t i = 0; i < kVars; ++i) {
      b_.add_incoming(phis[i], entering[i]);
      b_.add_incoming(phis[i], vars_[i]);
    }
    vars_ = at_header;
    b_.set_block(after);
  }

  void branch(int depth) {
    const ValueId condition = b_.emit(Op::kLt, bool_type(), {an_int(), flip(2) ? an_int() : dim(line(), 0)});
    const BlockId yes = b_.new_block();
    const BlockId no = b_.new_block();
    const BlockId join = b_.new_block();
    b_.cond_br(condition, yes, no);
    const std::array<ValueId, kVars> entering = vars_;
    b_.set_block(yes);
    statements(1 + below(2), depth + 1);
    b_.br(join);
    const std::array<ValueId, kVars> from_yes = vars_;
    vars_ = entering;
    b_.set_block(no);
    statements(below(2), depth + 1);
    b_.br(join);
    b_.set_block(join);
    for (size_t i = 0; i < kVars; ++i) {
      const ValueId phi = b_.phi(b_.type(vars_[i]));
      b_.add_incoming(phi, from_yes[i]);
      b_.add_incoming(phi, vars_[i]);
      vars_[i] = phi;
    }
  }

  std::mt19937 random_;
  Module module_;
  Builder b_;
  TypeRef line_ = nullptr;
  TypeRef plane_ = nullptr;
  std::array<ValueId, kVars> vars_{};
  struct Position {
    ValueId position;
    ValueId array; // that the loop may be about
  };
  std::vector<Position> positions_;
};

} // namespace

Module random_program(uint32_t seed) { return Generator(seed).run(); }

std::string behaviour(const Module& module, uint32_t seed, bool counted) {
  std::mt19937 random(seed);
  Interpreter machine(module, {.count = counted, .steps = 100000});
  const Function& f = module.functions[0];
  const auto sizes = std::array{3, 3, 3, 4, 1, 0};
  const auto size = [&] { return sizes[random() % sizes.size()]; };
  const auto items = [&](int64_t n) {
    std::vector<double> list;
    for (int64_t i = 0; i < n; ++i) {
      list.push_back(static_cast<double>(random() % 17) / 4 - 1);
    }
    return list;
  };
  std::vector<Value> arguments;
  for (size_t i = 0; i < 3; ++i) {
    std::vector<int64_t> shape(f.params[i]->ndim);
    std::generate(shape.begin(), shape.end(), size);
    int64_t n = 1;
    for (int64_t s : shape) {
      n *= s;
    }
    arguments.push_back(machine.array(f.params[i], shape, items(n)));
  }
  arguments.push_back(machine.scalar(f.params[3], static_cast<double>(random() % 6)));
  arguments.push_back(machine.scalar(f.params[4], 0.25));
  const Outcome outcome = machine.run(0, arguments);
  std::string text = outcome.error.empty() ? machine.show(outcome.result) : outcome.error;
  for (size_t i = 0; i < 3; ++i) {
    text += "\n" + machine.show(arguments[i]);
  }
  if (!counted) {
    return text;
  }
  std::vector<int64_t> expected(machine.blocks.size(), 0);
  expected[0] = expected[1] = expected[2] = 1;
  if (outcome.error.empty()) {
    machine.for_each_block(outcome.result, [&](int block) { ++expected[static_cast<size_t>(block)]; });
  }
  for (size_t block = 0; block < expected.size(); ++block) {
    if (machine.blocks[block].refs != expected[block]) {
      text += "\nblock " + std::to_string(block) + " ends with " + std::to_string(machine.blocks[block].refs) + " counts";
    }
  }
  for (const std::string& fault : machine.faults) {
    text += "\n" + fault;
  }
  return text;
}

} // namespace hasten::passes::testing
