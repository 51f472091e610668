#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

using Predicate = llvm::CmpInst::Predicate;

Predicate integer_predicate(ir::Op op, bool is_signed) {
  switch (op) {
  case ir::Op::kEq:
    return Predicate::ICMP_EQ;
  case ir::Op::kNe:
    return Predicate::ICMP_NE;
  case ir::Op::kLt:
    return is_signed ? Predicate::ICMP_SLT : Predicate::ICMP_ULT;
  case ir::Op::kLe:
    return is_signed ? Predicate::ICMP_SLE : Predicate::ICMP_ULE;
  case ir::Op::kGt:
    return is_signed ? Predicate::ICMP_SGT : Predicate::ICMP_UGT;
  default:
    return is_signed ? Predicate::ICMP_SGE : Predicate::ICMP_UGE;
  }
}

Predicate float_predicate(ir::Op op) {
  switch (op) {
  case ir::Op::kEq:
    return Predicate::FCMP_OEQ;
  case ir::Op::kNe:
    return Predicate::FCMP_UNE;
  case ir::Op::kLt:
    return Predicate::FCMP_OLT;
  case ir::Op::kLe:
    return Predicate::FCMP_OLE;
  case ir::Op::kGt:
    return Predicate::FCMP_OGT;
  default:
    return Predicate::FCMP_OGE;
  }
}

llvm::Value* compare_complex(Lane& lane, ir::Op op, const Parts& a, const Parts& b) {
  llvm::Value* re = lane.b.CreateFCmp(float_predicate(op), a[0], b[0]);
  llvm::Value* im = lane.b.CreateFCmp(float_predicate(op), a[1], b[1]);
  return op == ir::Op::kEq ? lane.b.CreateAnd(re, im) : lane.b.CreateOr(re, im);
}

} // namespace

llvm::Value* lower_compare(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b) {
  switch (type->kind) {
  case ir::Kind::kBool:
    return lane.b.CreateICmp(integer_predicate(op, false), a[0], b[0]);
  case ir::Kind::kInt:
    return lane.b.CreateICmp(integer_predicate(op, type->is_signed), a[0], b[0]);
  case ir::Kind::kDatetime:
    return lane.b.CreateICmp(integer_predicate(op, true), a[0], b[0]);
  case ir::Kind::kFloat:
    return lane.b.CreateFCmp(float_predicate(op), a[0], b[0]);
  case ir::Kind::kComplex:
    if (op == ir::Op::kEq || op == ir::Op::kNe) {
      return compare_complex(lane, op, a, b);
    }
    break;
  default:
    break;
  }
  base::internal_error(std::string("the op ") + ir::info(op).text + " has no meaning on " + type->text);
}

} // namespace hasten::llvm_backend
