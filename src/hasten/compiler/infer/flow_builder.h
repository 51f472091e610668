// Turns syntax into a Flow. SSA form is built while the blocks are made, by the method of Braun et al., "Simple and Efficient Construction
// of Static Single Assignment Form" (CC 2013).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "hasten/compiler/infer/flow.h"

namespace hasten::infer {

// The SSA part: variables, blocks, phis.
class FlowGraph {
public:
  explicit FlowGraph(Flow& flow) : flow_(flow) {}

  FlowBlockId new_block();
  void seal(FlowBlockId block); // all predecessors are known
  void set_block(FlowBlockId block) { block_ = block; }
  FlowBlockId block() const { return block_; }
  bool terminated() const { return terminated_.count(block_) != 0; }

  FlowId add(FlowOp op, std::vector<FlowId> args, const syntax::Span& span);
  FlowInstr& instr(FlowId id) { return flow_.instrs[id]; }
  void jump(FlowBlockId target, const syntax::Span& span);
  void branch(FlowId condition, FlowBlockId if_true, FlowBlockId if_false, const syntax::Span& span);
  void finish(FlowOp op, std::vector<FlowId> args, const syntax::Span& span);

  void write(const std::string& variable, FlowId value) { definitions_[block_][variable] = value; }
  FlowId read(const std::string& variable) { return read_in(variable, block_); }

  // After the last block: phis of one value go away, variables that may be unbound get their checks, blocks their order.
  void complete();

  LoopId loop = kNoFlow; // new blocks belong to it

private:
  FlowId read_in(const std::string& variable, FlowBlockId block);
  FlowId new_phi(const std::string& variable, FlowBlockId block);
  void fill_phi(const std::string& variable, FlowId phi, FlowBlockId block);
  void link(FlowBlockId target);
  void remove_trivial_phis();
  void order_blocks();
  void check_unbound_uses();
  FlowId bound_flag(FlowId value);
  FlowId resolve(FlowId value) const;

  Flow& flow_;
  FlowBlockId block_ = 0;
  std::set<FlowBlockId> sealed_;
  std::set<FlowBlockId> terminated_;
  std::unordered_map<FlowBlockId, std::map<std::string, FlowId>> definitions_;
  std::unordered_map<FlowBlockId, std::map<std::string, FlowId>> incomplete_;
  std::unordered_map<FlowId, FlowBlockId> phi_block_;
  std::unordered_map<FlowId, FlowId> replaced_;
  std::unordered_map<FlowId, FlowId> flags_;
};

// The syntax part: statements and expressions.
class FlowBuilder {
public:
  FlowBuilder(Flow& flow, const HostFunction& function, std::function<bool(const std::string&)> is_parallel_range);
  void build();

private:
  using Span = syntax::Span;
  struct LoopTargets {
    FlowBlockId next;
    FlowBlockId exit;
    bool parallel;
  };

  // statements (flow_statements.cpp)
  void body(const std::vector<syntax::StmtPtr>& statements);
  void statement(const syntax::Stmt& s);
  void if_statement(const syntax::Stmt& s);
  void while_loop(const syntax::Stmt& s);
  void for_loop(const syntax::Stmt& s);
  void parallel_loop(const syntax::Stmt& s);
  void plain_loop(const syntax::Stmt& s, FlowId iteration, FlowId length);
  void take_item(const syntax::Stmt& s, FlowId iteration, const std::string& position, FlowBlockId otherwise);
  void strip_loop(const syntax::Stmt& s, FlowId iteration, FlowId length, int64_t strip);
  void loop_else(const syntax::Stmt& s, FlowBlockId from, FlowBlockId exit);
  void leave_loop(const syntax::Stmt& s, bool is_break);
  void return_statement(const syntax::Stmt& s);
  void raise_statement(const syntax::Stmt& s);
  void assert_statement(const syntax::Stmt& s);
  void delete_statement(const syntax::Stmt& s);
  void assign(const syntax::Expr& target, FlowId value);
  void unpack(const syntax::Expr& target, FlowId value);
  void augmented(const syntax::Stmt& s);
  // What the program itself writes to a variable: converted where the variable's type is declared.
  void write_variable(const std::string& variable, FlowId value, const Span& span);
  void collect_locals(const std::vector<syntax::StmtPtr>& statements);
  void collect_target(const syntax::Expr& target);
  void collect_named(const syntax::Expr& e);
  LoopId enter_loop(bool parallel, const Span& span);

  // expressions (flow_expressions.cpp)
  FlowId expression(const syntax::Expr& e);
  FlowId name(const syntax::Expr& e);
  FlowId literal(const syntax::Expr& e);
  FlowId none(const Span& span);
  FlowId string_literal(std::string text, const Span& span);
  FlowId bool_operation(const syntax::Expr& e);
  FlowId comparison(const syntax::Expr& e);
  FlowId conditional(const syntax::Expr& e);
  FlowId call(const syntax::Expr& e);
  FlowId subscript_index(const syntax::Expr& e);
  FlowId slice(const syntax::Expr& e);
  FlowId joined_string(const syntax::Expr& e);
  std::string format_template(const syntax::Expr& e, std::vector<FlowId>* values);
  FlowId unary(const syntax::Expr& e);
  FlowId children(FlowOp op, const syntax::Expr& e);
  FlowId tuple(const syntax::Expr& e);
  // Goes to one of two blocks by the truth of the expression, without making its value.
  void condition(const syntax::Expr& e, FlowBlockId if_true, FlowBlockId if_false);
  // A phi of the values that the predecessors of the current block bring, through a hidden variable.
  std::string hidden_variable();

  [[noreturn]] void unsupported(const std::string& what, const Span& span, const std::string& way_out = {}) const;

  Flow& flow_;
  const syntax::Source& source_;
  const std::map<std::string, ir::TypeRef>& declared_;
  FlowGraph graph_;
  std::function<bool(const std::string&)> is_parallel_range_;
  std::set<std::string> locals_;
  std::vector<LoopTargets> loops_;
  int hidden_ = 0;
};

} // namespace hasten::infer
