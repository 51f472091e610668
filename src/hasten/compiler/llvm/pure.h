// Lowering of the ops that only compute: the same code makes scalars and, in block functions of whole-array statements, vectors.
#pragma once

#include "hasten/compiler/llvm/unit.h"

namespace hasten::llvm_backend {

// Where the instructions go and how many items each value holds.
struct Lane {
  Unit& unit;
  Builder& b;
  unsigned width = 1;

  llvm::Type* type(Part part) const { return register_type(unit.context(), part, width); }
  llvm::Type* type(ir::TypeRef scalar) const { return type(parts_of(scalar)[0]); }
};

using ArgParts = llvm::ArrayRef<const Parts*>;

// Whether lower_pure knows the op. The others need a function around them: memory, control, errors, parameters.
bool is_pure(ir::Op op);
Parts lower_pure(Lane& lane, const ir::Function& function, const ir::Instr& instr, ArgParts args);

// lower_arith.cpp, lower_divide.cpp
Parts lower_arith(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b);
Parts lower_unary(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a);
Parts lower_divide(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b);
// lower_compare.cpp
llvm::Value* lower_compare(Lane& lane, ir::Op op, ir::TypeRef type, const Parts& a, const Parts& b);
// lower_cast.cpp
Parts lower_cast(Lane& lane, ir::TypeRef from, ir::TypeRef to, const Parts& value);
Parts lower_bitcast(Lane& lane, ir::TypeRef from, ir::TypeRef to, const Parts& value);
// lower_intrinsic.cpp
llvm::Value* lower_intrinsic(Lane& lane, ir::Intrinsic which, ir::TypeRef operand, ArgParts args);
Parts lower_constant(Lane& lane, const ir::Constant& constant);
Parts lower_undefined(Lane& lane, ir::TypeRef type);

} // namespace hasten::llvm_backend
