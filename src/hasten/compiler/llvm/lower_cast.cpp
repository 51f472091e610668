// Conversions between scalars, with C's answers on x86 also where C leaves them open.
#include <cmath>

#include <llvm/IR/Intrinsics.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

Part only_part(ir::TypeRef type) { return parts_of(type)[0]; }

llvm::Value* to_bool(Lane& lane, const Parts& value) {
  llvm::Value* result = nullptr;
  for (llvm::Value* part : value) {
    llvm::Value* zero = llvm::Constant::getNullValue(part->getType());
    const bool floating = part->getType()->isFPOrFPVectorTy();
    llvm::Value* set = floating ? lane.b.CreateFCmpUNE(part, zero) : lane.b.CreateICmpNE(part, zero);
    result = result == nullptr ? set : lane.b.CreateOr(result, set);
  }
  return result;
}

// A conversion to a signed integer that gives the smallest one where the value does not fit, like cvttsd2si.
llvm::Value* to_signed(Lane& lane, llvm::Value* value, unsigned bits) {
  llvm::Type* target = register_type(lane.unit.context(), {PartKind::kInt, static_cast<uint8_t>(bits), true}, lane.width);
  // Comparing in double keeps the limit of 32 bits exact; in float and half the limits are powers of two anyway.
  const double limit = std::ldexp(1.0, static_cast<int>(bits) - 1);
  llvm::Type* type = value->getType();
  llvm::Value* fits = nullptr;
  if (type->getScalarType()->isDoubleTy() && bits <= 32) {
    fits = lane.b.CreateAnd(lane.b.CreateFCmpOGT(value, llvm::ConstantFP::get(type, -limit - 1.0)),
                            lane.b.CreateFCmpOLT(value, llvm::ConstantFP::get(type, limit)));
  } else {
    llvm::Value* magnitude = lane.b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, value);
    fits = lane.b.CreateFCmpOLT(magnitude, llvm::ConstantFP::get(type, limit));
  }
  llvm::Value* smallest = llvm::ConstantInt::get(target, llvm::APInt::getSignedMinValue(bits));
  return lane.b.CreateSelect(fits, lane.b.CreateFPToSI(value, target), smallest);
}

// As compilers for x86 do it: through int64, with the upper half of the range moved down first.
llvm::Value* to_uint64(Lane& lane, llvm::Value* value) {
  llvm::Type* type = value->getType();
  llvm::Value* half = llvm::ConstantFP::get(type, std::ldexp(1.0, 63));
  llvm::Value* low = to_signed(lane, value, 64);
  llvm::Value* high = to_signed(lane, lane.b.CreateFSub(value, half), 64);
  llvm::Value* top = llvm::ConstantInt::get(low->getType(), llvm::APInt::getSignedMinValue(64));
  return lane.b.CreateSelect(lane.b.CreateFCmpOGE(value, half), lane.b.CreateXor(high, top), low);
}

llvm::Value* float_to_integer(Lane& lane, llvm::Value* value, Part to) {
  const llvm::IRBuilderBase::FastMathFlagGuard exact(lane.b);
  lane.b.clearFastMathFlags();
  if (value->getType()->getScalarType()->isHalfTy()) {
    value = lane.b.CreateFPExt(value, register_type(lane.unit.context(), {PartKind::kFloat, 32, true}, lane.width));
  }
  if (to.bits == 64) {
    return to.is_signed ? to_signed(lane, value, 64) : to_uint64(lane, value);
  }
  if (to.bits == 32) {
    return to.is_signed ? to_signed(lane, value, 32) : lane.b.CreateTrunc(to_signed(lane, value, 64), lane.type(to));
  }
  return lane.b.CreateTrunc(to_signed(lane, value, 32), lane.type(to));
}

llvm::Value* convert_part(Lane& lane, llvm::Value* value, Part from, Part to) {
  if (to.kind == PartKind::kBool) {
    return to_bool(lane, {value});
  }
  llvm::Type* target = lane.type(to);
  if (from.kind == PartKind::kFloat) {
    return to.kind == PartKind::kFloat ? lane.b.CreateFPCast(value, target) : float_to_integer(lane, value, to);
  }
  const bool is_signed = from.kind == PartKind::kInt && from.is_signed;
  if (to.kind == PartKind::kInt) {
    return is_signed ? lane.b.CreateSExtOrTrunc(value, target) : lane.b.CreateZExtOrTrunc(value, target);
  }
  return is_signed ? lane.b.CreateSIToFP(value, target) : lane.b.CreateUIToFP(value, target);
}

bool is_scalar(ir::TypeRef type) { return ir::is_number(type) || type->kind == ir::Kind::kDatetime; }

} // namespace

Parts lower_cast(Lane& lane, ir::TypeRef from, ir::TypeRef to, const Parts& value) {
  if (!is_scalar(from) || !is_scalar(to)) {
    base::internal_error("no cast leads from " + from->text + " to " + to->text);
  }
  if (to->kind == ir::Kind::kBool) {
    return {to_bool(lane, value)};
  }
  const Part source = only_part(from);
  const Part target = only_part(to);
  Parts result{convert_part(lane, value[0], source, target)};
  if (ir::is_complex(to)) {
    result.push_back(ir::is_complex(from) ? convert_part(lane, value[1], source, target) : llvm::Constant::getNullValue(lane.type(target)));
  }
  return result;
}

Parts lower_bitcast(Lane& lane, ir::TypeRef from, ir::TypeRef to, const Parts& value) {
  if (!is_scalar(from) || !is_scalar(to) || ir::is_complex(from) != ir::is_complex(to) || ir::item_bytes(from) != ir::item_bytes(to)) {
    base::internal_error("the bits of " + from->text + " are not those of " + to->text);
  }
  if (from->kind == ir::Kind::kBool || to->kind == ir::Kind::kBool) {
    return lower_cast(lane, from, to, value);
  }
  Parts result;
  for (llvm::Value* part : value) {
    result.push_back(lane.b.CreateBitCast(part, lane.type(only_part(to))));
  }
  return result;
}

} // namespace hasten::llvm_backend
