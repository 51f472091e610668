// Runs typed IR over blocks that it counts itself: what passes must not change, and where counts must end, is seen by running.
//
// Counts and slots are kept as docs/ir.md says: an owner's slot is filled when it is produced, cleared by its Release or Move; a failure
// releases what the slots of the frame hold. Values: bool, int64, float64 and float32 scalars, arrays of them, tuples.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes::testing {

struct FakeBlock {
  int64_t refs = 1;
  std::vector<unsigned char> bytes;
};

struct Value {
  ir::TypeRef type = nullptr;
  int64_t i = 0;
  double f = 0;
  int block = -1; // arrays; -1: none
  int64_t offset = 0;
  std::vector<int64_t> shape{};
  std::vector<int64_t> strides{};
  std::vector<Value> items{};
};

struct Outcome {
  std::string error; // empty: returned
  Value result;
  bool cut_short = false; // a loop that cannot fail did not end
};

struct Options {
  bool count = false;             // Retain and Release are there: check every use, keep slots
  std::mt19937* chance = nullptr; // fail at random, and let CondBr go anywhere
  double failure = 0;             // how likely an op that may fail does
  int steps = 20000;              // then the next op that may fail does
};

class Interpreter {
public:
  Interpreter(const ir::Module& module, Options options) : module_(module), options_(options) {}

  Value scalar(ir::TypeRef type, double value) const;
  // A new block with one count; items are what `values` says, in C order.
  Value array(ir::TypeRef type, std::vector<int64_t> shape, const std::vector<double>& values);
  Outcome run(size_t function, std::vector<Value> arguments);

  double item(const Value& array, const std::vector<int64_t>& index) const;
  // Everything in C order, for comparisons; tuples one behind the other.
  std::string show(const Value& value) const;
  void for_each_block(const Value& value, const std::function<void(int)>& body) const;
  std::vector<FakeBlock> blocks;
  std::vector<std::string> faults; // what broke the rules of counting
  int64_t executed(ir::Op op) const { return executed_.size() > static_cast<size_t>(op) ? executed_[static_cast<size_t>(op)] : 0; }

private:
  struct Frame;
  struct Failure {
    std::string error;
  };

  Outcome run_frame(Frame& frame);
  void step(Frame& frame, ir::ValueId id);
  void fill_slot(Frame& frame, ir::ValueId id);
  Value compute(Frame& frame, ir::ValueId id);
  Value arithmetic(const ir::Instr& instr, const std::vector<Value>& x) const;
  Value integer_arithmetic(const ir::Instr& instr, int64_t a, int64_t b) const;
  Value aggregate_op(Frame& frame, const ir::Instr& instr, std::vector<Value>& x);
  Value ewise(const ir::Instr& instr, const std::vector<Value>& x);
  Value call_kernel(size_t kernel, std::vector<Value> arguments);
  Value load(const Value& array, int64_t offset) const;
  void store(const Value& array, int64_t offset, const Value& value);
  int64_t address(const Value& array, const std::vector<int64_t>& index) const;
  Value allocate(ir::TypeRef type, std::vector<int64_t> shape);
  std::vector<int64_t> broadcast(const std::vector<Value>& x, size_t first) const;
  void retain(const Value& value);
  void release(const Value& value);
  bool is_alive(const Value& value) const;

  const ir::Module& module_;
  Options options_;
  std::vector<int64_t> executed_;
};

} // namespace hasten::passes::testing
