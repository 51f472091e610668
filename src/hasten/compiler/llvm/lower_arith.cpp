#include <llvm/IR/Intrinsics.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

[[noreturn]] void unsupported(ir::Op op, ir::TypeRef type) {
  base::internal_error(std::string("the op ") + ir::info(op).text + " has no meaning on " + type->text);
}

llvm::Value* minimum_or_maximum(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  const bool minimum = op == ir::Op::kMin;
  if (ir::is_float(type)) {
    llvm::Value* first = minimum ? lane.b.CreateFCmpOLT(a, b) : lane.b.CreateFCmpOGT(a, b);
    return lane.b.CreateSelect(first, a, b);
  }
  const bool is_signed = type->kind == ir::Kind::kDatetime || type->is_signed;
  const llvm::Intrinsic::ID id =
      minimum ? (is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin) : (is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax);
  return lane.b.CreateBinaryIntrinsic(id, a, b);
}

// A count outside [0, bits) shifts everything out.
llvm::Value* shift(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* count) {
  llvm::Type* word = a->getType();
  if (op == ir::Op::kShr && type->is_signed) {
    llvm::Value* last = llvm::ConstantInt::get(word, type->bits - 1U);
    return lane.b.CreateAShr(a, lane.b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count, last));
  }
  llvm::Value* inside = lane.b.CreateICmpULT(count, llvm::ConstantInt::get(word, type->bits));
  llvm::Value* shifted = op == ir::Op::kShl ? lane.b.CreateShl(a, count) : lane.b.CreateLShr(a, count);
  return lane.b.CreateSelect(inside, shifted, llvm::Constant::getNullValue(word));
}

llvm::Value* integer_op(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  switch (op) {
  case ir::Op::kAdd:
    return lane.b.CreateAdd(a, b);
  case ir::Op::kSub:
    return lane.b.CreateSub(a, b);
  case ir::Op::kMul:
    return lane.b.CreateMul(a, b);
  case ir::Op::kAnd:
    return lane.b.CreateAnd(a, b);
  case ir::Op::kOr:
    return lane.b.CreateOr(a, b);
  case ir::Op::kXor:
    return lane.b.CreateXor(a, b);
  case ir::Op::kMin:
  case ir::Op::kMax:
    return minimum_or_maximum(lane, op, type, a, b);
  case ir::Op::kShl:
  case ir::Op::kShr:
    return shift(lane, op, type, a, b);
  default:
    unsupported(op, type);
  }
}

llvm::Value* float_op(Lane& lane, ir::Op op, ir::TypeRef type, llvm::Value* a, llvm::Value* b) {
  switch (op) {
  case ir::Op::kAdd:
    return lane.b.CreateFAdd(a, b);
  case ir::Op::kSub:
    return lane.b.CreateFSub(a, b);
  case ir::Op::kMul:
    return lane.b.CreateFMul(a, b);
  case ir::Op::kMin:
  case ir::Op::kMax:
    return minimum_or_maximum(lane, op, type, a, b);
  default:
    unsupported(op, type);
  }
}

Parts complex_op(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& x, const Parts& y) {
  Builder& b = lane.b;
  switch (op) {
  case ir::Op::kAdd:
    return {b.CreateFAdd(x[0], y[0]), b.CreateFAdd(x[1], y[1])};
  case ir::Op::kSub:
    return {b.CreateFSub(x[0], y[0]), b.CreateFSub(x[1], y[1])};
  case ir::Op::kMul:
    return {b.CreateFSub(b.CreateFMul(x[0], y[0]), b.CreateFMul(x[1], y[1])),
            b.CreateFAdd(b.CreateFMul(x[0], y[1]), b.CreateFMul(x[1], y[0]))};
  default:
    unsupported(op, type);
  }
}

} // namespace

Parts lower_arith(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b) {
  switch (type->kind) {
  case ir::Kind::kBool:
  case ir::Kind::kInt:
  case ir::Kind::kDatetime:
    return {integer_op(lane, op, type, a[0], b[0])};
  case ir::Kind::kFloat:
    return {float_op(lane, op, type, a[0], b[0])};
  case ir::Kind::kComplex:
    return complex_op(lane, op, type, a, b);
  default:
    unsupported(op, type);
  }
}

Parts lower_unary(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a) {
  const bool floating = ir::is_float(type) || ir::is_complex(type);
  if (op == ir::Op::kNeg && floating) {
    Parts result;
    for (llvm::Value* part : a) {
      result.push_back(lane.b.CreateFNeg(part));
    }
    return result;
  }
  switch (op) {
  case ir::Op::kNeg:
    return {lane.b.CreateNeg(a[0])};
  case ir::Op::kNot:
    return {lane.b.CreateNot(a[0])};
  case ir::Op::kAbs:
    if (ir::is_float(type)) {
      return {lane.b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a[0])};
    }
    if (type->kind == ir::Kind::kDatetime || type->is_signed) {
      return {lane.b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a[0], lane.b.getFalse())};
    }
    return {a[0]};
  default:
    unsupported(op, type);
  }
}

} // namespace hasten::llvm_backend
