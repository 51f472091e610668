// The typed IR: plain data. Values are instructions, named by their index; blocks and functions likewise.
// Contract, ownership of counts and the lowering of every op that needs more than a line: docs/ir.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hasten/compiler/ir/type.h"

namespace hasten::ir {

enum class Op : uint16_t {
#define HASTEN_OP(name, text, operands, effects) k##name,
#include "hasten/compiler/ir/ops.def"
#undef HASTEN_OP
};

enum Effects : uint8_t { kPure = 0, kReads = 1, kWrites = 2, kRaises = 4, kAllocates = 8, kControl = 16 };

struct OpInfo {
  const char* text;
  int operands; // -1: any number
  uint8_t effects;
};
const OpInfo& info(Op);
// Whether the op may leave the function with an error.
bool may_raise(Op);

// Unary and binary functions that LLVM or the target know; operands and result have one float type (Abs of complex is not among them).
enum class Intrinsic : int64_t {
  kSqrt,
  kFloor,
  kCeil,
  kTrunc,
  kRint,
  kFma,
  kCopysign,
  kMinNum,
  kMaxNum,
  kPopcount,
  kClz,
  kCtz, // integers
  kIsNan,
  kIsInf,
  kIsFinite, // result bool
};

using ValueId = uint32_t;
using BlockId = uint32_t;
constexpr uint32_t kNone = 0xffffffff;

struct Instr {
  Op op;
  TypeRef type; // of the result; none_type() where there is none
  std::vector<ValueId> args;
  int64_t aux = 0;
  uint32_t location = kNone; // index into Module::locations
  BlockId block = kNone;
};

struct Block {
  std::vector<ValueId> instrs; // phis first, one control op last
  std::vector<BlockId> preds;
  std::vector<BlockId> succs; // Br: one; CondBr: where true, where false
};

// A literal scalar. Complex uses both floats. Integers of all widths lie in `i` (uint64 as its bits).
struct Constant {
  TypeRef type = nullptr;
  int64_t i = 0;
  double re = 0;
  double im = 0;
  bool operator==(const Constant&) const = default;
};

// What happens where an operation on Python's ints leaves 64 bits.
enum class Overflow : uint8_t { kWrap, kRaise };

// How the partial results of a parallel loop's chunks are combined.
enum class Reduction : uint8_t { kAdd, kMul, kMin, kMax, kAnd, kOr, kXor };

// What EwiseReduce computes of a whole array; the numbers are those of abi::ReduceKind.
enum class ReduceKind : int32_t { kSum = 0, kProd, kMin, kMax, kAny, kAll, kMean };

struct Function {
  std::string name;            // of the user's function
  std::vector<TypeRef> params; // Param k has type params[k]
  TypeRef result = nullptr;
  std::vector<Instr> values; // by ValueId
  std::vector<Block> blocks; // block 0 is the entry; it has no predecessors
  std::vector<Constant> constants;
  bool kernel = false;               // an element-wise kernel: scalars in, one Ret of a scalar, never called by Op::kCall
  bool straight = false;             // kernel of one block without Call, Runtime or anything that raises: can be computed in vectors
  bool loop_body = false;            // the body of a parallel loop, see docs/ir.md
  std::vector<Reduction> reductions; // loop_body: one for each item of the result tuple
};

// One place that raises. Operands of Raise/RaiseIf are the arguments that have run-time content, in order.
struct RaiseSite {
  int32_t exception = -1;         // index into Module::bindings: the exception class or instance
  std::vector<TypeRef> arguments; // all arguments of the call, in order
  bool is_instance = false;       // `raise SomeName` where the name is an instance: raised as it is
};

struct Location {
  uint32_t function; // index into Module::names
  int line;
  int column;
};

// A C function that generated code calls by name; jit/symbols.cpp knows the addresses.
struct Symbol {
  std::string name;
  bool status = false; // Runtime: int32_t f(Env*, result*, arguments…)
};

// A Python object that the code needs, found again by its path in another process: an array that a global names, an exception class.
//   builtins:ValueError   numpy:linalg.LinAlgError   global:<depth>:NAME.attr   closure:<depth>:NAME
struct Binding {
  std::string path;
  TypeRef type;        // arrays and channels: the code reads their slots through Env::bindings; other types take none
  uint64_t handle = 0; // the Host's, in the process that compiled

  bool has_slots() const { return is_array(type) || type->kind == Kind::kSequence; }
};

// What floating-point code may assume or change, as LLVM names it.
enum FastMath : uint8_t {
  kNoNans = 1,
  kNoInfinities = 2,
  kNoSignedZeros = 4,
  kReciprocals = 8,
  kContractions = 16,
  kApproximateFunctions = 32,
  kReassociation = 64,
};

struct Module {
  std::vector<Function> functions; // 0 is the entry
  std::vector<RaiseSite> sites;
  std::vector<Location> locations;
  std::vector<std::string> names; // functions' qualified names and files, as "file\0name"
  std::vector<Symbol> symbols;
  std::vector<Binding> bindings;
  uint8_t fastmath = 0; // bits of FastMath
  bool bounds_check = true;
  bool parallel = false;
  bool debug = false;
};

} // namespace hasten::ir
