#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

ir::TypeRef operand_type(const ir::Function& function, const ir::Instr& instr, size_t position) {
  return function.values[instr.args[position]].type;
}

Parts select(Lane& lane, llvm::Value* condition, const Parts& if_true, const Parts& if_false) {
  Parts result;
  for (size_t i = 0; i < if_true.size(); ++i) {
    result.push_back(lane.b.CreateSelect(condition, if_true[i], if_false[i]));
  }
  return result;
}

Parts concatenate(ArgParts args) {
  Parts result;
  for (const Parts* arg : args) {
    result.append(arg->begin(), arg->end());
  }
  return result;
}

Parts item(ir::TypeRef aggregate, const Parts& value, unsigned index) {
  const unsigned first = item_offset(aggregate, index);
  const unsigned count = part_count(item_type(aggregate, index));
  return {value.begin() + first, value.begin() + first + count};
}

void check_operand_count(const ir::Instr& instr, ArgParts args) {
  const int wanted = ir::info(instr.op).operands;
  if (wanted >= 0 && args.size() != static_cast<size_t>(wanted)) {
    base::internal_error(std::string(ir::info(instr.op).text) + " has " + std::to_string(args.size()) + " operands");
  }
}

} // namespace

bool is_pure(ir::Op op) {
  switch (op) {
  case ir::Op::kParam:
  case ir::Op::kPhi:
  case ir::Op::kExtern:
  case ir::Op::kUfunc:
  case ir::Op::kBinding:
  case ir::Op::kView:
  case ir::Op::kWrapIndex:
    return false;
  default:
    return ir::info(op).effects == ir::kPure;
  }
}

Parts lower_pure(Lane& lane, const ir::Function& function, const ir::Instr& instr, ArgParts args) {
  check_operand_count(instr, args);
  switch (instr.op) {
  case ir::Op::kConst:
    return lower_constant(lane, function.constants[static_cast<size_t>(instr.aux)]);
  case ir::Op::kUndef:
    return lower_undefined(lane, instr.type);
  case ir::Op::kAdd:
  case ir::Op::kSub:
  case ir::Op::kMul:
  case ir::Op::kShl:
  case ir::Op::kShr:
  case ir::Op::kAnd:
  case ir::Op::kOr:
  case ir::Op::kXor:
  case ir::Op::kMin:
  case ir::Op::kMax:
    return lower_arith(lane, instr.op, operand_type(function, instr, 0), *args[0], *args[1]);
  case ir::Op::kDiv:
  case ir::Op::kFloorDiv:
  case ir::Op::kFloorMod:
  case ir::Op::kTruncDiv:
  case ir::Op::kTruncMod:
    return lower_divide(lane, instr.op, operand_type(function, instr, 0), *args[0], *args[1]);
  case ir::Op::kNeg:
  case ir::Op::kNot:
  case ir::Op::kAbs:
    return lower_unary(lane, instr.op, operand_type(function, instr, 0), *args[0]);
  case ir::Op::kEq:
  case ir::Op::kNe:
  case ir::Op::kLt:
  case ir::Op::kLe:
  case ir::Op::kGt:
  case ir::Op::kGe:
    return {lower_compare(lane, instr.op, operand_type(function, instr, 0), *args[0], *args[1])};
  case ir::Op::kSelect:
    return select(lane, (*args[0])[0], *args[1], *args[2]);
  case ir::Op::kCast:
    return lower_cast(lane, operand_type(function, instr, 0), instr.type, *args[0]);
  case ir::Op::kBitcast:
    return lower_bitcast(lane, operand_type(function, instr, 0), instr.type, *args[0]);
  case ir::Op::kComplex:
  case ir::Op::kTuple:
    return concatenate(args);
  case ir::Op::kRelabel:
    return *args[0];
  case ir::Op::kReal:
    return {(*args[0])[0]};
  case ir::Op::kImag:
    return {(*args[0])[1]};
  case ir::Op::kIntrinsic:
    return {lower_intrinsic(lane, static_cast<ir::Intrinsic>(instr.aux), operand_type(function, instr, 0), args)};
  case ir::Op::kItem:
    return item(operand_type(function, instr, 0), *args[0], static_cast<unsigned>(instr.aux));
  case ir::Op::kDim:
    return {(*args[0])[shape_part(static_cast<unsigned>(instr.aux))]};
  case ir::Op::kStride:
    return {(*args[0])[stride_part(operand_type(function, instr, 0)->ndim, static_cast<unsigned>(instr.aux))]};
  default:
    base::internal_error(std::string("the op ") + ir::info(instr.op).text + " is not one that only computes");
  }
}

} // namespace hasten::llvm_backend
