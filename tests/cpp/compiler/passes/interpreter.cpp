#include "interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/ownership.h"

namespace hasten::passes::testing {

using namespace ir;

struct Interpreter::Frame {
  const Function& function;
  std::vector<Value> arguments;
  std::vector<Value> values;
  std::map<ValueId, Value> slots;
  BlockId block = 0;
  BlockId from = kNone;
  bool done = false;
  Value result;
};

namespace {

std::string name_of(const Function& function, ValueId id) {
  return function.name + " %" + std::to_string(id) + " " + info(function.values[id].op).text;
}

bool next_index(std::vector<int64_t>& index, const std::vector<int64_t>& shape) {
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (++index[axis] < shape[axis]) {
      return true;
    }
    index[axis] = 0;
  }
  return false;
}

// How long a loop that cannot fail may go on after the last step.
constexpr int kMoreSteps = 2000;

bool is_empty(const std::vector<int64_t>& shape) { return std::find(shape.begin(), shape.end(), 0) != shape.end(); }

} // namespace

Value Interpreter::scalar(TypeRef type, double value) const {
  Value v{.type = type};
  v.i = is_float(type) ? 0 : static_cast<int64_t>(value);
  v.f = is_float(type) ? value : 0;
  return v;
}

Value Interpreter::array(TypeRef type, std::vector<int64_t> shape, const std::vector<double>& values) {
  Value v = allocate(type, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) {
    store(v, v.offset + static_cast<int64_t>(i) * item_bytes(type->elem), scalar(type->elem, values[i]));
  }
  return v;
}

Value Interpreter::allocate(TypeRef type, std::vector<int64_t> shape) {
  int64_t bytes = item_bytes(type->elem);
  Value v{.type = type};
  v.strides.assign(shape.size(), 0);
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] < 0) {
      throw Failure{"ValueError"};
    }
    v.strides[axis] = bytes;
    bytes *= shape[axis];
  }
  v.shape = std::move(shape);
  v.block = static_cast<int>(blocks.size());
  blocks.push_back({1, std::vector<unsigned char>(static_cast<size_t>(bytes))});
  return v;
}

Outcome Interpreter::run(size_t function, std::vector<Value> arguments) {
  Frame frame{module_.functions[function], std::move(arguments), {}, {}, 0, kNone, false, {}};
  return run_frame(frame);
}

Outcome Interpreter::run_frame(Frame& frame) {
  frame.values.resize(frame.function.values.size());
  Outcome outcome;
  try {
    while (!frame.done && options_.steps > -kMoreSteps) {
      const auto& instrs = frame.function.blocks[frame.block].instrs;
      const BlockId here = frame.block;
      // Phis read their operands all at once.
      std::vector<std::pair<ValueId, Value>> phis;
      size_t i = 0;
      for (; frame.function.values[instrs[i]].op == Op::kPhi; ++i) {
        const auto& preds = frame.function.blocks[here].preds;
        const auto pred = std::find(preds.begin(), preds.end(), frame.from) - preds.begin();
        phis.emplace_back(instrs[i], frame.values[frame.function.values[instrs[i]].args[static_cast<size_t>(pred)]]);
      }
      for (auto& [id, value] : phis) {
        frame.values[id] = value;
        fill_slot(frame, id);
      }
      for (; i < instrs.size() && !frame.done; ++i) {
        --options_.steps;
        step(frame, instrs[i]);
      }
      frame.from = here;
    }
    outcome.cut_short = !frame.done;
    outcome.result = frame.result;
  } catch (const Failure& failure) {
    outcome.error = failure.error;
  }
  if (!outcome.error.empty()) {
    for (auto& [id, value] : frame.slots) {
      release(value);
    }
  }
  return outcome;
}

void Interpreter::step(Frame& frame, ValueId id) {
  const Instr& instr = frame.function.values[id];
  executed_.resize(static_cast<size_t>(Op::kUnreachable) + 1);
  ++executed_[static_cast<size_t>(instr.op)];
  const Block& block = frame.function.blocks[frame.block];
  if (options_.count) {
    for (ValueId arg : instr.args) {
      if (!is_alive(frame.values[arg])) {
        faults.push_back(name_of(frame.function, id) + " uses %" + std::to_string(arg) + " after its release");
      }
    }
  }
  if (options_.steps <= 0 && may_raise(instr.op)) {
    throw Failure{"out of steps"};
  }
  if (options_.chance != nullptr && may_raise(instr.op) && std::uniform_real_distribution<>()(*options_.chance) < options_.failure) {
    throw Failure{"chance"};
  }
  switch (instr.op) {
  case Op::kBr:
    frame.block = block.succs[0];
    return;
  case Op::kCondBr: {
    const bool yes = options_.chance != nullptr ? ((*options_.chance)() & 1) != 0 : frame.values[instr.args[0]].i != 0;
    frame.block = block.succs[yes ? 0 : 1];
    return;
  }
  case Op::kRet:
    frame.done = true;
    frame.result = frame.values[instr.args[0]];
    return;
  case Op::kRaise:
    throw Failure{"raise " + std::to_string(instr.aux)};
  case Op::kUnreachable:
    faults.push_back(name_of(frame.function, id) + " was reached");
    throw Failure{"unreachable"};
  default:
    break;
  }
  frame.values[id] = compute(frame, id);
  fill_slot(frame, id);
}

void Interpreter::fill_slot(Frame& frame, ValueId id) {
  const Instr& instr = frame.function.values[id];
  if (!options_.count || !instr.type->counted || !owns_its_counts(instr.op)) {
    return;
  }
  if (frame.slots.contains(id)) {
    faults.push_back(name_of(frame.function, id) + " is produced while its slot is filled");
  }
  frame.slots[id] = frame.values[id];
}

Value Interpreter::compute(Frame& frame, ValueId id) {
  const Instr& instr = frame.function.values[id];
  std::vector<Value> x;
  for (ValueId arg : instr.args) {
    x.push_back(frame.values[arg]);
  }
  Value v{.type = instr.type};
  switch (instr.op) {
  case Op::kConst: {
    const Constant& constant = frame.function.constants[static_cast<size_t>(instr.aux)];
    v.i = constant.i;
    v.f = constant.re;
    return v;
  }
  case Op::kUndef:
    if (instr.type->kind == Kind::kTuple) {
      for (TypeRef item : instr.type->items) {
        v.items.push_back({.type = item});
      }
    }
    return v;
  case Op::kParam:
    return frame.arguments[static_cast<size_t>(instr.aux)];
  case Op::kRetain:
    retain(x[0]);
    return v;
  case Op::kRelease:
  case Op::kMove:
    if (frame.slots.erase(instr.args[0]) == 0) {
      faults.push_back(name_of(frame.function, id) + " of a value whose slot is empty");
    }
    if (instr.op == Op::kRelease) {
      release(x[0]);
    }
    return v;
  case Op::kPoll:
    return v;
  case Op::kRaiseIf:
    if (x[0].i != 0) {
      throw Failure{"raise " + std::to_string(instr.aux)};
    }
    return v;
  case Op::kCall: {
    Frame callee{module_.functions[static_cast<size_t>(instr.aux)], x, {}, {}, 0, kNone, false, {}};
    const Outcome outcome = run_frame(callee);
    if (!outcome.error.empty() || outcome.cut_short) {
      throw Failure{outcome.cut_short ? "cut short" : outcome.error};
    }
    return outcome.result;
  }
  default:
    return instr.type->counted || (!x.empty() && x[0].type != nullptr && x[0].type->counted) || instr.op == Op::kAlloc ||
                   instr.op == Op::kEwiseReduce || instr.op == Op::kTuple || instr.op == Op::kItem || instr.op == Op::kSelect
               ? aggregate_op(frame, instr, x)
               : arithmetic(instr, x);
  }
}

Value Interpreter::aggregate_op(Frame& frame, const Instr& instr, std::vector<Value>& x) {
  Value v{.type = instr.type};
  std::vector<int64_t> numbers;
  for (size_t i = 1; i < x.size(); ++i) {
    numbers.push_back(x[i].i);
  }
  switch (instr.op) {
  case Op::kTuple:
    v.items = x;
    return v;
  case Op::kItem:
    v = x[0].items[static_cast<size_t>(instr.aux)];
    return v;
  case Op::kSelect:
    return x[0].i != 0 ? x[1] : x[2];
  case Op::kDim:
    v.i = x[0].shape[static_cast<size_t>(instr.aux)];
    return v;
  case Op::kStride:
    v.i = x[0].strides[static_cast<size_t>(instr.aux)];
    return v;
  case Op::kView: {
    v = x[0];
    v.type = instr.type;
    v.offset += numbers[0];
    v.shape.assign(numbers.begin() + 1, numbers.begin() + 1 + instr.type->ndim);
    v.strides.assign(numbers.begin() + 1 + instr.type->ndim, numbers.end());
    return v;
  }
  case Op::kRelabel:
    v = x[0];
    v.type = instr.type;
    return v;
  case Op::kLoad:
    return load(x[0], address(x[0], numbers));
  case Op::kStore: {
    numbers.pop_back();
    store(x[0], address(x[0], numbers), x.back());
    return v;
  }
  case Op::kAlloc: {
    std::vector<int64_t> shape;
    for (const Value& size : x) {
      shape.push_back(size.i);
    }
    return allocate(instr.type, shape);
  }
  case Op::kRuntime: {
    // "same…": the first array itself with one more count, as a kernel that had nothing to do; else a copy.
    const std::string& name = module_.symbols[static_cast<size_t>(instr.aux)].name;
    if (!instr.type->counted || x[0].block < 0) {
      return v;
    }
    v = x[0];
    if (name.starts_with("same")) {
      retain(v);
    } else {
      blocks.push_back(blocks[static_cast<size_t>(v.block)]);
      blocks.back().refs = 1;
      v.block = static_cast<int>(blocks.size()) - 1;
    }
    return v;
  }
  case Op::kEwise:
  case Op::kEwiseShaped:
  case Op::kEwiseInto:
  case Op::kEwiseReduce:
    return ewise(instr, x);
  default:
    faults.push_back(frame.function.name + ": cannot run " + info(instr.op).text);
    return v;
  }
}

std::vector<int64_t> Interpreter::broadcast(const std::vector<Value>& x, size_t first) const {
  std::vector<int64_t> shape;
  for (size_t i = first; i < x.size(); ++i) {
    const auto& other = x[i].shape;
    shape.insert(shape.begin(), other.size() > shape.size() ? other.size() - shape.size() : 0, 1);
    for (size_t axis = 0; axis < other.size(); ++axis) {
      int64_t& size = shape[shape.size() - other.size() + axis];
      if (size != other[axis] && size != 1 && other[axis] != 1) {
        throw Failure{"ValueError"};
      }
      size = size == 1 ? other[axis] : size;
    }
  }
  return shape;
}

Value Interpreter::ewise(const Instr& instr, const std::vector<Value>& x) {
  const size_t kernel = kernel_index(instr);
  const bool shaped = instr.op == Op::kEwiseShaped;
  const size_t first = shaped ? instr.type->ndim : instr.op == Op::kEwiseInto ? 1 : 0;
  std::vector<int64_t> shape = broadcast(x, first);
  if (shaped || instr.op == Op::kEwiseInto) {
    std::vector<int64_t> wanted = shaped ? std::vector<int64_t>() : x[0].shape;
    for (size_t i = 0; shaped && i < first; ++i) {
      wanted.push_back(x[i].i);
    }
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const size_t from_last = shape.size() - axis;
      const int64_t into = from_last <= wanted.size() ? wanted[wanted.size() - from_last] : 1;
      if (shape[axis] != 1 && shape[axis] != into) {
        throw Failure{"ValueError"};
      }
    }
    shape = wanted;
  }
  // All items are read before one is written: operands may overlap the destination.
  const size_t params = module_.functions[kernel].params.size();
  std::vector<Value> results;
  std::vector<int64_t> index(shape.size(), 0);
  for (bool more = !is_empty(shape); more; more = next_index(index, shape)) {
    std::vector<Value> arguments;
    for (size_t i = first; i < x.size(); ++i) {
      int64_t at = x[i].offset;
      for (size_t axis = 0; axis < x[i].shape.size(); ++axis) {
        at += x[i].shape[axis] == 1 ? 0 : index[index.size() - x[i].shape.size() + axis] * x[i].strides[axis];
      }
      arguments.push_back(is_array(x[i].type) ? load(x[i], at) : x[i]);
    }
    if (arguments.size() < params) {
      arguments.push_back(scalar(intp_type(), static_cast<double>(results.size())));
    }
    results.push_back(call_kernel(kernel, std::move(arguments)));
  }
  if (instr.op == Op::kEwiseReduce) {
    Value sum = scalar(instr.type, 0);
    for (const Value& v : results) {
      sum.i += v.i;
      sum.f += v.f;
    }
    return sum;
  }
  const Value out = instr.op == Op::kEwiseInto ? x[0] : allocate(instr.type, shape);
  index.assign(shape.size(), 0);
  for (const Value& v : results) {
    store(out, address(out, index), v);
    next_index(index, shape);
  }
  return instr.op == Op::kEwiseInto ? Value{.type = none_type()} : out;
}

Value Interpreter::call_kernel(size_t kernel, std::vector<Value> arguments) {
  Options quiet = options_;
  std::swap(quiet, options_);
  options_.chance = nullptr;
  Frame frame{module_.functions[kernel], std::move(arguments), {}, {}, 0, kNone, false, {}};
  const Outcome outcome = run_frame(frame);
  const int steps = options_.steps;
  options_ = quiet;
  options_.steps = steps;
  if (!outcome.error.empty() || outcome.cut_short) {
    throw Failure{outcome.cut_short ? "cut short" : outcome.error};
  }
  return outcome.result;
}

int64_t Interpreter::address(const Value& array, const std::vector<int64_t>& index) const {
  if (array.block < 0 || index.size() != array.strides.size()) {
    throw Failure{"undefined array"};
  }
  int64_t at = array.offset;
  for (size_t axis = 0; axis < index.size(); ++axis) {
    at += index[axis] * array.strides[axis];
  }
  return at;
}

Value Interpreter::load(const Value& array, int64_t offset) const {
  const auto size = static_cast<size_t>(item_bytes(array.type->elem));
  if (array.block < 0) {
    throw Failure{"undefined array"};
  }
  const auto& bytes = blocks[static_cast<size_t>(array.block)].bytes;
  if (offset < 0 || static_cast<size_t>(offset) + size > bytes.size()) {
    throw Failure{"out of bounds"};
  }
  Value v{.type = array.type->elem};
  const unsigned char* at = bytes.data() + offset;
  if (is_float(v.type) && size == 4) {
    float f = 0;
    std::memcpy(&f, at, 4);
    v.f = f;
  } else if (is_float(v.type)) {
    std::memcpy(&v.f, at, size);
  } else {
    std::memcpy(&v.i, at, size);
  }
  return v;
}

void Interpreter::store(const Value& array, int64_t offset, const Value& value) {
  const auto size = static_cast<size_t>(item_bytes(array.type->elem));
  auto& bytes = blocks[static_cast<size_t>(array.block)].bytes;
  if (offset < 0 || static_cast<size_t>(offset) + size > bytes.size()) {
    throw Failure{"out of bounds"};
  }
  unsigned char* at = bytes.data() + offset;
  const auto narrow = static_cast<float>(value.f);
  const void* from = !is_float(array.type->elem) ? static_cast<const void*>(&value.i)
                     : size == 4                 ? static_cast<const void*>(&narrow)
                                                 : &value.f;
  std::memcpy(at, from, size);
}

double Interpreter::item(const Value& array, const std::vector<int64_t>& index) const {
  const Value v = load(array, address(array, index));
  return is_float(v.type) ? v.f : static_cast<double>(v.i);
}

std::string Interpreter::show(const Value& value) const {
  std::ostringstream text;
  text.precision(17);
  if (!value.items.empty()) {
    for (const Value& item : value.items) {
      text << show(item) << ";";
    }
  } else if (value.type != nullptr && is_array(value.type) && value.block >= 0) {
    text << "[";
    for (int64_t size : value.shape) {
      text << size << " ";
    }
    text << "]";
    std::vector<int64_t> index(value.shape.size(), 0);
    for (bool more = !is_empty(value.shape); more; more = next_index(index, value.shape)) {
      text << " " << item(value, index);
    }
  } else if (value.type != nullptr) {
    text << (is_float(value.type) ? value.f : static_cast<double>(value.i));
  }
  return text.str();
}

void Interpreter::for_each_block(const Value& value, const std::function<void(int)>& body) const {
  if (value.block >= 0) {
    body(value.block);
  }
  for (const Value& item : value.items) {
    for_each_block(item, body);
  }
}

void Interpreter::retain(const Value& value) {
  for_each_block(value, [&](int block) { ++blocks[static_cast<size_t>(block)].refs; });
}

void Interpreter::release(const Value& value) {
  for_each_block(value, [&](int block) {
    if (--blocks[static_cast<size_t>(block)].refs < 0) {
      faults.push_back("block " + std::to_string(block) + " is released too often");
    }
  });
}

bool Interpreter::is_alive(const Value& value) const {
  bool alive = true;
  for_each_block(value, [&](int block) { alive &= blocks[static_cast<size_t>(block)].refs > 0; });
  return alive;
}

} // namespace hasten::passes::testing
