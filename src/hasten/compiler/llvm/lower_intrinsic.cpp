#include <limits>

#include <llvm/IR/Intrinsics.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

// NaN and infinity are asked about as they are, even where fast mathematics promises that there are none.
llvm::Value* classify(Lane& lane, ir::Intrinsic which, llvm::Value* value) {
  const llvm::IRBuilderBase::FastMathFlagGuard exact(lane.b);
  lane.b.clearFastMathFlags();
  if (which == ir::Intrinsic::kIsNan) {
    return lane.b.CreateFCmpUNO(value, value);
  }
  llvm::Value* magnitude = lane.b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, value);
  llvm::Value* infinity = llvm::ConstantFP::getInfinity(value->getType());
  return which == ir::Intrinsic::kIsInf ? lane.b.CreateFCmpOEQ(magnitude, infinity) : lane.b.CreateFCmpOLT(magnitude, infinity);
}

llvm::Intrinsic::ID llvm_name(ir::Intrinsic which) {
  switch (which) {
  case ir::Intrinsic::kSqrt:
    return llvm::Intrinsic::sqrt;
  case ir::Intrinsic::kFloor:
    return llvm::Intrinsic::floor;
  case ir::Intrinsic::kCeil:
    return llvm::Intrinsic::ceil;
  case ir::Intrinsic::kTrunc:
    return llvm::Intrinsic::trunc;
  case ir::Intrinsic::kRint:
    return llvm::Intrinsic::rint;
  case ir::Intrinsic::kCopysign:
    return llvm::Intrinsic::copysign;
  case ir::Intrinsic::kMinNum:
    return llvm::Intrinsic::minnum;
  case ir::Intrinsic::kMaxNum:
    return llvm::Intrinsic::maxnum;
  case ir::Intrinsic::kPopcount:
    return llvm::Intrinsic::ctpop;
  case ir::Intrinsic::kClz:
    return llvm::Intrinsic::ctlz;
  case ir::Intrinsic::kCtz:
    return llvm::Intrinsic::cttz;
  case ir::Intrinsic::kFma:
    return llvm::Intrinsic::fma;
  default:
    return llvm::Intrinsic::not_intrinsic;
  }
}

size_t operand_count(ir::Intrinsic which) {
  switch (which) {
  case ir::Intrinsic::kFma:
    return 3;
  case ir::Intrinsic::kCopysign:
  case ir::Intrinsic::kMinNum:
  case ir::Intrinsic::kMaxNum:
    return 2;
  default:
    return 1;
  }
}

bool fits(ir::Intrinsic which, ir::TypeRef operand) {
  switch (which) {
  case ir::Intrinsic::kPopcount:
  case ir::Intrinsic::kClz:
  case ir::Intrinsic::kCtz:
    return ir::is_integer(operand);
  default:
    return ir::is_float(operand);
  }
}

} // namespace

llvm::Value* lower_intrinsic(Lane& lane, ir::Intrinsic which, ir::TypeRef operand, ArgParts args) {
  if (args.size() != operand_count(which) || !fits(which, operand)) {
    base::internal_error("an intrinsic has " + std::to_string(args.size()) + " operands of type " + operand->text);
  }
  llvm::Value* first = (*args[0])[0];
  switch (which) {
  case ir::Intrinsic::kIsNan:
  case ir::Intrinsic::kIsInf:
  case ir::Intrinsic::kIsFinite:
    return classify(lane, which, first);
  case ir::Intrinsic::kClz:
  case ir::Intrinsic::kCtz:
    return lane.b.CreateBinaryIntrinsic(llvm_name(which), first, lane.b.getFalse());
  default:
    break;
  }
  llvm::SmallVector<llvm::Value*, 3> values;
  for (const Parts* arg : args) {
    values.push_back((*arg)[0]);
  }
  return lane.b.CreateIntrinsic(llvm_name(which), {first->getType()}, values);
}

Parts lower_constant(Lane& lane, const ir::Constant& constant) {
  const PartList parts = parts_of(constant.type);
  switch (constant.type->kind) {
  case ir::Kind::kBool:
  case ir::Kind::kInt:
  case ir::Kind::kDatetime: {
    const llvm::APInt bits(parts[0].bits, static_cast<uint64_t>(constant.i), false, true);
    return {llvm::ConstantInt::get(lane.type(parts[0]), bits)};
  }
  case ir::Kind::kFloat:
    return {llvm::ConstantFP::get(lane.type(parts[0]), constant.re)};
  case ir::Kind::kComplex:
    return {llvm::ConstantFP::get(lane.type(parts[0]), constant.re), llvm::ConstantFP::get(lane.type(parts[1]), constant.im)};
  default:
    if (!parts.empty()) {
      base::internal_error("there are no constants of type " + constant.type->text);
    }
    return {};
  }
}

Parts lower_undefined(Lane& lane, ir::TypeRef type) {
  Parts result;
  for (Part part : parts_of(type)) {
    // A block may be counted before anyone looks at the value; null counts nothing.
    llvm::Type* llvm_type = lane.type(part);
    result.push_back(type->counted ? llvm::Constant::getNullValue(llvm_type) : llvm::PoisonValue::get(llvm_type));
  }
  return result;
}

} // namespace hasten::llvm_backend
