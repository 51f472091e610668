#include "hasten/compiler/llvm/types.h"

#include "hasten/base/diagnostic.h"

namespace hasten::llvm_backend {
namespace {

constexpr Part kWord{PartKind::kInt, 64, true};

llvm::Type* float_type(llvm::LLVMContext& context, unsigned bits) {
  switch (bits) {
  case 16:
    return llvm::Type::getHalfTy(context);
  case 32:
    return llvm::Type::getFloatTy(context);
  default:
    return llvm::Type::getDoubleTy(context);
  }
}

llvm::Type* widen(llvm::Type* scalar, unsigned width) { return width == 1 ? scalar : llvm::FixedVectorType::get(scalar, width); }

} // namespace

void append_parts(ir::TypeRef type, PartList& out) {
  switch (type->kind) {
  case ir::Kind::kBool:
    out.push_back({PartKind::kBool, 1, false});
    return;
  case ir::Kind::kInt:
    out.push_back({PartKind::kInt, type->bits, type->is_signed});
    return;
  case ir::Kind::kDatetime:
    out.push_back(kWord);
    return;
  case ir::Kind::kFloat:
    out.push_back({PartKind::kFloat, type->bits, true});
    return;
  case ir::Kind::kComplex:
    out.append(2, {PartKind::kFloat, static_cast<uint8_t>(type->bits / 2), true});
    return;
  case ir::Kind::kRange:
    out.append(3, kWord);
    return;
  case ir::Kind::kArray:
    out.push_back({PartKind::kBlock, 64, false});
    out.push_back({PartKind::kPointer, 64, false});
    out.append(2U * type->ndim, kWord);
    return;
  case ir::Kind::kOptional:
    out.push_back({PartKind::kBool, 1, false});
    append_parts(type->elem, out);
    return;
  case ir::Kind::kTuple:
  case ir::Kind::kSlice:
  case ir::Kind::kSequence:
  case ir::Kind::kFormat:
  case ir::Kind::kUnion:
    for (ir::TypeRef item : type->items) {
      append_parts(item, out);
    }
    return;
  case ir::Kind::kNone:
  case ir::Kind::kNamed:
  case ir::Kind::kEllipsis:
  case ir::Kind::kUndefined:
    return;
  default:
    base::internal_error("values of type " + type->text + " have no representation in machine code");
  }
}

PartList parts_of(ir::TypeRef type) {
  PartList list;
  append_parts(type, list);
  return list;
}

unsigned part_count(ir::TypeRef type) { return static_cast<unsigned>(ir::slot_count(type)); }

ir::TypeRef item_type(ir::TypeRef aggregate, unsigned index) {
  switch (aggregate->kind) {
  case ir::Kind::kOptional:
    return index == 0 ? ir::bool_type() : aggregate->elem;
  case ir::Kind::kRange:
    return aggregate->elem;
  default:
    if (index >= aggregate->items.size()) {
      base::internal_error("a value of type " + aggregate->text + " has no item " + std::to_string(index));
    }
    return aggregate->items[index];
  }
}

unsigned item_offset(ir::TypeRef aggregate, unsigned index) {
  unsigned offset = 0;
  for (unsigned i = 0; i < index; ++i) {
    offset += part_count(item_type(aggregate, i));
  }
  return offset;
}

llvm::Type* register_type(llvm::LLVMContext& context, Part part, unsigned width) {
  switch (part.kind) {
  case PartKind::kBool:
    return widen(llvm::Type::getInt1Ty(context), width);
  case PartKind::kInt:
    return widen(llvm::IntegerType::get(context, part.bits), width);
  case PartKind::kFloat:
    return widen(float_type(context, part.bits), width);
  default:
    return widen(llvm::PointerType::getUnqual(context), width);
  }
}

llvm::Type* memory_type(llvm::LLVMContext& context, Part part, unsigned width) {
  return part.kind == PartKind::kBool ? widen(llvm::Type::getInt8Ty(context), width) : register_type(context, part, width);
}

unsigned part_bytes(Part part) { return part.kind == PartKind::kBool ? 1 : part.bits / 8U; }

} // namespace hasten::llvm_backend
