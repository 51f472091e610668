// Whole-array ops: calls of the driver (abi/ewise.h) with a program and its operands.
#include "hasten/abi/ewise.h"

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/ewise_block.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

// The kind of a reduction goes through as it is.
static_assert(static_cast<int>(ir::ReduceKind::kSum) == static_cast<int>(abi::ReduceKind::kSum));
static_assert(static_cast<int>(ir::ReduceKind::kMin) == static_cast<int>(abi::ReduceKind::kMin));
static_assert(static_cast<int>(ir::ReduceKind::kMean) == static_cast<int>(abi::ReduceKind::kMean));

constexpr uint64_t kKernelMask = 0xffffffff;

uint32_t kernel_of(const ir::Instr& instr) { return static_cast<uint32_t>(static_cast<uint64_t>(instr.aux) & kKernelMask); }

} // namespace

llvm::Constant* Lowering::ewise_program(const Instr& instr, size_t first) {
  const uint32_t kernel = kernel_of(instr);
  OperandKinds kinds;
  for (size_t i = first; i < instr.args.size(); ++i) {
    kinds.push_back(ir::is_array(type(instr.args[i])) ? abi::EwiseOperand::kArray : abi::EwiseOperand::kScalar);
  }
  const bool may_have_iota = instr.op == ir::Op::kEwiseShaped && kernel < unit_.ir().functions.size();
  if (may_have_iota && unit_.ir().functions[kernel].params.size() == kinds.size() + 1) {
    kinds.push_back(abi::EwiseOperand::kIota);
  }
  return llvm_backend::ewise_program(unit_, kernel, kinds);
}

// An array of pointers: views of arrays, items of scalars.
llvm::Value* Lowering::ewise_operands(const Instr& instr, size_t first) {
  llvm::SmallVector<llvm::Value*, 8> pointers;
  for (size_t i = first; i < instr.args.size(); ++i) {
    const ValueId arg = instr.args[i];
    if (ir::is_array(type(arg))) {
      pointers.push_back(view_of(arg));
      continue;
    }
    pointers.push_back(frame_.reserve(item_size(type(arg)), 16));
    store_item(unit_, b_, type(arg), value(arg), pointers.back(), Memory::kFrame);
  }
  // One place more, for the iota.
  llvm::Value* memory = frame_.scratch(8 * (pointers.size() + 1));
  for (size_t i = 0; i < pointers.size(); ++i) {
    unit_.mark(b_.CreateStore(pointers[i], offset_address(b_, memory, 8 * i)), Memory::kFrame);
  }
  return memory;
}

Parts Lowering::lower_ewise_new(ValueId id, const Instr& instr) {
  const bool shaped = instr.op == ir::Op::kEwiseShaped;
  const size_t ndim = instr.type->ndim;
  if (!ir::is_array(instr.type) || (shaped && instr.args.size() < ndim)) {
    base::internal_error("a whole-array op in " + function_.name + " has the wrong operands");
  }
  const size_t first = shaped ? ndim : 0;
  llvm::Value* shape = llvm::ConstantPointerNull::get(unit_.pointer());
  if (shaped) {
    shape = frame_.reserve(8 * (ndim == 0 ? 1 : ndim));
    for (size_t axis = 0; axis < ndim; ++axis) {
      unit_.mark(b_.CreateStore(scalar(instr.args[axis]), offset_address(b_, shape, 8 * axis)), Memory::kFrame);
    }
  }
  llvm::Value* view = new_view(instr.type);
  views_[id] = view;
  llvm::Type* const pointer = unit_.pointer();
  llvm::Function* driver = unit_.external("hst_ewise_new", unit_.i32(), {pointer, pointer, pointer, unit_.i32(), pointer, pointer});
  llvm::Value* status = b_.CreateCall(driver, {frame_.env(), ewise_program(instr, first), ewise_operands(instr, first),
                                               unit_.int32(static_cast<int64_t>(ndim)), shape, view});
  errors_.leave_unless_ok(status, instr.location);
  return load_view(instr.type, view);
}

void Lowering::lower_ewise_into(const Instr& instr) {
  llvm::Type* const pointer = unit_.pointer();
  llvm::Function* driver = unit_.external("hst_ewise_into", unit_.i32(), {pointer, pointer, pointer, pointer});
  llvm::Value* status = b_.CreateCall(driver, {frame_.env(), ewise_program(instr, 1), ewise_operands(instr, 1), view_of(instr.args[0])});
  errors_.leave_unless_ok(status, instr.location);
}

Parts Lowering::lower_ewise_reduce(const Instr& instr) {
  const auto kind = static_cast<int64_t>(static_cast<uint64_t>(instr.aux) >> 32);
  llvm::Value* result = frame_.reserve(item_size(instr.type), 16);
  llvm::Type* const pointer = unit_.pointer();
  llvm::Function* driver = unit_.external("hst_ewise_reduce", unit_.i32(), {pointer, pointer, pointer, unit_.i32(), pointer});
  llvm::Value* status = b_.CreateCall(driver, {frame_.env(), ewise_program(instr, 0), ewise_operands(instr, 0), unit_.int32(kind), result});
  errors_.leave_unless_ok(status, instr.location);
  return load_item(unit_, b_, instr.type, result, Memory::kFrame);
}

} // namespace hasten::llvm_backend
