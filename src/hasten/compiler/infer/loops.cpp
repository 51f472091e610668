#include "hasten/compiler/infer/loops.h"

namespace hasten::infer {

using ir::Op;

Value fold_loop(Emitter& e, const Value& count, const Value& start,
                const std::function<Value(Emitter&, const Value& acc, const Value& position)>& step) {
  Emitter dry(e.session(), nullptr, e.options(), e.function());
  ir::TypeRef type = start.type;
  for (int round = 0; round < 3; ++round) {
    const Value next = step(dry, {type, ir::kNone, round == 0 ? start.known : nullptr}, {ir::intp_type()});
    ir::TypeRef joined = join({type, ir::kNone, round == 0 ? start.known : nullptr}, next, e.options());
    if (joined == nullptr) {
      e.fail("the items can't be combined: " + ir::display(type) + " and " + ir::display(next.type));
    }
    type = joined;
  }
  if (e.dry()) {
    return {type};
  }
  ir::Builder& b = e.builder();
  const ir::ValueId first = e.id(e.convert(start, type));
  const ir::ValueId zero = e.id(e.integer(0));
  const ir::ValueId limit = e.id(count);
  const ir::BlockId header = b.new_block();
  const ir::BlockId body = b.new_block();
  const ir::BlockId exit = b.new_block();
  b.br(header);
  b.set_block(header);
  const ir::ValueId position = b.phi(ir::intp_type());
  const ir::ValueId acc = b.phi(type);
  b.add_incoming(position, zero);
  b.add_incoming(acc, first);
  b.cond_br(b.emit(Op::kLt, ir::bool_type(), {position, limit}), body, exit);
  b.set_block(body);
  const Value next = e.convert(step(e, {type, acc}, {ir::intp_type(), position}), type);
  const Value advanced = e.op(Op::kAdd, ir::intp_type(), {{ir::intp_type(), position}, e.integer(1)});
  b.add_incoming(position, e.id(advanced));
  b.add_incoming(acc, e.id(next));
  b.br(header);
  b.set_block(exit);
  return {type, acc};
}

} // namespace hasten::infer
