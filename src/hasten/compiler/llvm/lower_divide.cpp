// Division: the four integer kinds, Python's floor division of floats, and complex division by Smith's method.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/PatternMatch.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

struct Division {
  llvm::Value* quotient;
  llvm::Value* remainder;
};

// x86 has no vector division of integers; quotients of 32-bit integers are exact in double.
Division divide_in_double(Lane& lane, bool is_signed, llvm::Value* a, llvm::Value* d) {
  const llvm::IRBuilderBase::FastMathFlagGuard exact(lane.b);
  lane.b.clearFastMathFlags();
  llvm::Type* real = llvm::FixedVectorType::get(lane.b.getDoubleTy(), lane.width);
  const auto widen = [&](llvm::Value* v) { return is_signed ? lane.b.CreateSIToFP(v, real) : lane.b.CreateUIToFP(v, real); };
  llvm::Value* ratio = lane.b.CreateFDiv(widen(a), widen(d));
  llvm::Value* quotient = is_signed ? lane.b.CreateFPToSI(ratio, a->getType()) : lane.b.CreateFPToUI(ratio, a->getType());
  return {quotient, lane.b.CreateSub(a, lane.b.CreateMul(quotient, d))};
}

Division divide(Lane& lane, ir::TypeRef type, llvm::Value* a, llvm::Value* d) {
  if (lane.width > 1 && type->bits <= 32 && !llvm::isa<llvm::Constant>(d)) {
    return divide_in_double(lane, type->is_signed, a, d);
  }
  if (type->is_signed) {
    return {lane.b.CreateSDiv(a, d), lane.b.CreateSRem(a, d)};
  }
  return {lane.b.CreateUDiv(a, d), lane.b.CreateURem(a, d)};
}

// Where the remainder is not zero and its sign differs from the divisor's, C's and Python's answers are one step apart.
llvm::Value* needs_step(Lane& lane, llvm::Value* remainder, llvm::Value* divisor) {
  llvm::Value* zero = llvm::Constant::getNullValue(remainder->getType());
  llvm::Value* inexact = lane.b.CreateICmpNE(remainder, zero);
  llvm::Value* opposite = lane.b.CreateICmpSLT(lane.b.CreateXor(remainder, divisor), zero);
  return lane.b.CreateAnd(inexact, opposite);
}

// A constant divisor greater than zero; null where it is something else.
const llvm::APInt* positive_constant(llvm::Value* divisor) {
  const llvm::APInt* value = nullptr;
  return llvm::PatternMatch::match(divisor, llvm::PatternMatch::m_APInt(value)) && value->isStrictlyPositive() ? value : nullptr;
}

// Python's division by such a constant: a shift and a mask where it is a power of two; else one step back from C's where the remainder is
// negative.
Division floor_divide_by(Lane& lane, llvm::Value* a, llvm::Value* divisor, const llvm::APInt& value) {
  if (value.isPowerOf2()) {
    llvm::Value* shift = llvm::ConstantInt::get(a->getType(), value.logBase2());
    return {lane.b.CreateAShr(a, shift), lane.b.CreateAnd(a, llvm::ConstantInt::get(a->getType(), value - 1))};
  }
  llvm::Value* remainder = lane.b.CreateSRem(a, divisor);
  llvm::Value* below = lane.b.CreateICmpSLT(remainder, llvm::Constant::getNullValue(a->getType()));
  return {lane.b.CreateAdd(lane.b.CreateSDiv(a, divisor), lane.b.CreateSExt(below, a->getType())),
          lane.b.CreateSelect(below, lane.b.CreateAdd(remainder, divisor), remainder)};
}

llvm::Value* integer_quotient(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  if (!type->is_signed) {
    return divide(lane, type, a, b).quotient;
  }
  if (const llvm::APInt* constant = positive_constant(b); constant != nullptr && op == ir::Op::kFloorDiv) {
    return floor_divide_by(lane, a, b, *constant).quotient;
  }
  // INT_MIN / -1 traps.
  llvm::Value* minus_one = lane.b.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(b->getType()));
  llvm::Value* divisor = lane.b.CreateSelect(minus_one, llvm::ConstantInt::get(b->getType(), 1), b);
  const Division d = divide(lane, type, a, divisor);
  llvm::Value* quotient = d.quotient;
  if (op == ir::Op::kFloorDiv) {
    llvm::Value* step = lane.b.CreateSExt(needs_step(lane, d.remainder, divisor), a->getType());
    quotient = lane.b.CreateAdd(quotient, step);
  }
  return lane.b.CreateSelect(minus_one, lane.b.CreateNeg(a), quotient);
}

llvm::Value* integer_remainder(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  if (!type->is_signed) {
    return divide(lane, type, a, b).remainder;
  }
  if (const llvm::APInt* constant = positive_constant(b); constant != nullptr && op == ir::Op::kFloorMod) {
    return floor_divide_by(lane, a, b, *constant).remainder;
  }
  llvm::Value* minus_one = lane.b.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(b->getType()));
  llvm::Value* divisor = lane.b.CreateSelect(minus_one, llvm::ConstantInt::get(b->getType(), 1), b);
  llvm::Value* remainder = divide(lane, type, a, divisor).remainder;
  if (op == ir::Op::kFloorMod) {
    llvm::Value* step = needs_step(lane, remainder, divisor);
    remainder = lane.b.CreateSelect(step, lane.b.CreateAdd(remainder, divisor), remainder);
  }
  return remainder;
}

// CPython's float_divmod, which npy_divmod follows; without branches.
Division floor_divide_floats(Lane& lane, llvm::Value* a, llvm::Value* b) {
  Builder& k = lane.b;
  llvm::Type* type = a->getType();
  llvm::Value* zero = llvm::ConstantFP::get(type, 0.0);
  llvm::Value* one = llvm::ConstantFP::get(type, 1.0);
  llvm::Value* mod = k.CreateFRem(a, b);
  llvm::Value* quotient = k.CreateFDiv(k.CreateFSub(a, mod), b);
  llvm::Value* mod_is_zero = k.CreateFCmpOEQ(mod, zero);
  llvm::Value* signs_differ = k.CreateXor(k.CreateFCmpOLT(b, zero), k.CreateFCmpOLT(mod, zero));
  llvm::Value* step = k.CreateAnd(k.CreateNot(mod_is_zero), signs_differ);
  llvm::Value* stepped = k.CreateSelect(step, k.CreateFAdd(mod, b), mod);
  quotient = k.CreateSelect(step, k.CreateFSub(quotient, one), quotient);
  llvm::Value* remainder = k.CreateSelect(mod_is_zero, k.CreateCopySign(zero, b), stepped);

  llvm::Value* floor = k.CreateUnaryIntrinsic(llvm::Intrinsic::floor, quotient);
  llvm::Value* far = k.CreateFCmpOGT(k.CreateFSub(quotient, floor), llvm::ConstantFP::get(type, 0.5));
  llvm::Value* snapped = k.CreateSelect(far, k.CreateFAdd(floor, one), floor);
  llvm::Value* plain = k.CreateFDiv(a, b);
  snapped = k.CreateSelect(k.CreateFCmpOEQ(quotient, zero), k.CreateCopySign(zero, plain), snapped);

  llvm::Value* by_zero = k.CreateFCmpOEQ(b, zero);
  return {k.CreateSelect(by_zero, plain, snapped), k.CreateSelect(by_zero, mod, remainder)};
}

llvm::Value* float_divide(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  if (op == ir::Op::kDiv) {
    return lane.b.CreateFDiv(a, b);
  }
  if (op == ir::Op::kTruncMod) {
    return lane.b.CreateFRem(a, b);
  }
  if (op == ir::Op::kTruncDiv) {
    base::internal_error("truncdiv has no meaning on " + type->text);
  }
  const Division division = floor_divide_floats(lane, a, b);
  return op == ir::Op::kFloorDiv ? division.quotient : division.remainder;
}

// Smith's algorithm, with selects for its branches. NumPy multiplies by the reciprocal of the divisor, CPython divides by it: the last bits
// differ.
Parts complex_divide(Lane& lane, bool as_python, const Parts& x, const Parts& y) {
  Builder& b = lane.b;
  llvm::Type* type = x[0]->getType();
  llvm::Value* abs_re = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, y[0]);
  llvm::Value* abs_im = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, y[1]);
  llvm::Value* by_real = b.CreateFCmpOGE(abs_re, abs_im);
  llvm::Value* large = b.CreateSelect(by_real, y[0], y[1]);
  llvm::Value* small = b.CreateSelect(by_real, y[1], y[0]);
  llvm::Value* ratio = b.CreateFDiv(small, large);
  llvm::Value* divisor = b.CreateFAdd(large, b.CreateFMul(small, ratio));
  llvm::Value* re_ratio = b.CreateFMul(x[0], ratio);
  llvm::Value* im_ratio = b.CreateFMul(x[1], ratio);
  llvm::Value* re = b.CreateSelect(by_real, b.CreateFAdd(x[0], im_ratio), b.CreateFAdd(re_ratio, x[1]));
  llvm::Value* im = b.CreateSelect(by_real, b.CreateFSub(x[1], re_ratio), b.CreateFSub(im_ratio, x[0]));
  llvm::Value* scale = as_python ? nullptr : b.CreateFDiv(llvm::ConstantFP::get(type, 1.0), divisor);
  re = as_python ? b.CreateFDiv(re, divisor) : b.CreateFMul(re, scale);
  im = as_python ? b.CreateFDiv(im, divisor) : b.CreateFMul(im, scale);
  llvm::Value* zero = llvm::ConstantFP::get(type, 0.0);
  llvm::Value* by_zero = b.CreateAnd(b.CreateFCmpOEQ(abs_re, zero), b.CreateFCmpOEQ(abs_im, zero));
  return {b.CreateSelect(by_zero, b.CreateFDiv(x[0], abs_re), re), b.CreateSelect(by_zero, b.CreateFDiv(x[1], abs_re), im)};
}

} // namespace

Parts lower_divide(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b) {
  const bool wants_remainder = op == ir::Op::kFloorMod || op == ir::Op::kTruncMod;
  switch (type->kind) {
  case ir::Kind::kInt:
    if (op != ir::Op::kDiv) {
      return {wants_remainder ? integer_remainder(lane, op, type, a[0], b[0]) : integer_quotient(lane, op, type, a[0], b[0])};
    }
    break;
  case ir::Kind::kFloat:
    return {float_divide(lane, op, type, a[0], b[0])};
  case ir::Kind::kComplex:
    if (op == ir::Op::kDiv) {
      return complex_divide(lane, type->weak, a, b);
    }
    break;
  default:
    break;
  }
  base::internal_error(std::string("the op ") + ir::info(op).text + " has no meaning on " + type->text);
}

} // namespace hasten::llvm_backend
