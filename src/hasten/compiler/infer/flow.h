// A function in SSA form before its types are known: the control flow of its syntax, variables resolved to values.
// Built once for each function and shared, unchanged, by all its instances.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/infer/host.h"
#include "hasten/compiler/syntax/tree.h"

namespace hasten::infer {

using FlowId = uint32_t;
using FlowBlockId = uint32_t;
using LoopId = uint32_t;
constexpr uint32_t kNoFlow = 0xffffffff;

enum class FlowOp : uint8_t {
  kLiteral,   // aux: index into Flow::literals
  kName,      // text: a name that is not a local variable
  kParam,     // aux: position
  kUndefined, // a local variable before its first assignment; text: its name
  kPhi,       // an operand for each predecessor
  kTrue,      // the bool True, for flags of the builder's own
  kFalse,
  kUnary,   // op
  kBinary,  // op; left, right
  kInplace, // op; left, right: an augmented assignment
  kCompare, // op; left, right
  kTruth,   // bool(x)
  kNot,
  kAttribute,    // text; object
  kSubscript,    // object, index
  kSetSubscript, // object, index, value
  kSetAttribute, // text; object, value
  kCall,         // function, arguments…; call: index into Flow::calls
  kTuple,
  kList,
  kSlice,      // start, stop, step; kNoFlow for what is not there is never stored: a None literal stands in
  kFormat,     // text: a template as for str.format; arguments
  kIterate,    // the iterable as something to take items from
  kLength,     // how many items an iteration has
  kNextItem,   // iteration, position
  kLoopStep,   // iteration, position → what a loop takes there, or that there is nothing more
  kIsTaken,    // iteration, step
  kTakenItem,  // iteration, step, position
  kStripEnd,   // position, length → the end of this strip, at most aux further
  kLess,       // two int positions of the builder's own
  kAdvance,    // position + 1
  kZero,       // position 0
  kUnpack,     // value; aux: how many items it must have
  kUnpackItem, // unpacked value; aux: which; negative: counted from the end
  kUnpackStar, // value; aux: how many items it must have at least
  kUnpackRest, // unpacked value; aux: how many items come before the rest; text: how many behind it
  kDeclare,    // value; text: a variable with a declared type, which the value is converted to
  kCheckBound, // flag; text: the variable. Raises UnboundLocalError where the flag is false
  kPoll,
  kJump,        // control: succs[0]
  kBranch,      // control: condition; succs[0] where true, succs[1] where false
  kReturn,      // control: value
  kRaise,       // control: exception (class, instance or call of a class is resolved by inference)
  kReraise,     // control: `raise` alone
  kUnreachable, // control
};

struct FlowCall {
  std::vector<std::string> keywords; // names of the last arguments
  std::vector<bool> starred;         // one for each positional argument; empty where none is
};

struct FlowInstr {
  FlowOp op;
  syntax::Operator syntax_op = syntax::Operator::kNone;
  std::vector<FlowId> args;
  int64_t aux = 0;
  std::string text;
  syntax::Span span;
};

struct FlowLoop {
  LoopId parent = kNoFlow;
  bool parallel = false;
  FlowBlockId header = 0;
  FlowBlockId exit = 0;      // where the loop goes on after its last iteration
  FlowId position = kNoFlow; // the phi that counts iterations
  FlowId length = kNoFlow;
  syntax::Span span;
};

struct FlowBlock {
  std::vector<FlowId> instrs; // phis first, one control op last
  std::vector<FlowBlockId> preds;
  std::vector<FlowBlockId> succs;
  LoopId loop = kNoFlow; // the innermost loop that the block belongs to
};

struct Flow {
  std::vector<FlowInstr> instrs;
  std::vector<FlowBlock> blocks; // block 0 is the entry
  std::vector<FlowLoop> loops;
  std::vector<syntax::Literal> literals;
  std::vector<FlowCall> calls;
  std::vector<FlowBlockId> order; // reverse postorder of the reachable blocks
  std::shared_ptr<const syntax::Source> source;
};

// Throws base::Diagnostic at what is not compiled: a statement or an expression without a rule.
// `is_parallel_range`: whether a name that the function reads is hasten's prange.
std::shared_ptr<const Flow> build_flow(const HostFunction& function, bool (*is_parallel_range)(void* context, const std::string& name),
                                       void* context);

// "File …, line …" of a span in the source, for diagnostics.
base::SourcePoint point_of(const syntax::Source& source, const syntax::Span& span);

} // namespace hasten::infer
