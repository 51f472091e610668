// Calls of the library's kernels, of plain C functions and of NumPy's inner loops; arrays as they appear in memory.
#include <cstddef>

#include "hasten/abi/array_view.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/calls.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

using abi::ArrayView;

bool takes_views(ir::Op op) {
  switch (op) {
  case ir::Op::kRuntime:
  case ir::Op::kEwise:
  case ir::Op::kEwiseShaped:
  case ir::Op::kEwiseInto:
  case ir::Op::kEwiseReduce:
    return true;
  default:
    return false;
  }
}

} // namespace

// Collects the arguments of a C call with their attributes.
struct Lowering::CallBuilder {
  struct Result {
    ir::TypeRef type;
    llvm::Value* memory;
  };
  llvm::SmallVector<llvm::Value*, 16> values;
  llvm::SmallVector<llvm::Type*, 16> types;
  llvm::SmallVector<llvm::Attribute::AttrKind, 16> attributes;
  llvm::SmallVector<Result, 2> results;

  void add(llvm::Value* value, llvm::Attribute::AttrKind attribute = llvm::Attribute::None) {
    values.push_back(value);
    types.push_back(value->getType());
    attributes.push_back(attribute);
  }

  void add_part(Unit& unit, Builder& b, Part part, llvm::Value* value) {
    if (part.kind == PartKind::kBool) {
      value = b.CreateZExt(value, unit.i8());
    }
    add(value, extension(part));
  }

  llvm::CallInst* call(Unit& unit, Builder& b, llvm::StringRef name, llvm::Type* result) {
    llvm::Function* callee = unit.external(name, result, types);
    llvm::CallInst* call = b.CreateCall(llvm::FunctionType::get(result, types, false), callee, values);
    for (unsigned i = 0; i < attributes.size(); ++i) {
      if (attributes[i] != llvm::Attribute::None) {
        call->addParamAttr(i, attributes[i]);
      }
    }
    return call;
  }
};

const ir::Symbol& Lowering::symbol(const Instr& instr) const {
  const auto& symbols = unit_.ir().symbols;
  if (instr.aux < 0 || static_cast<size_t>(instr.aux) >= symbols.size()) {
    base::internal_error("a call in " + function_.name + " names a symbol that the module doesn't have");
  }
  return symbols[static_cast<size_t>(instr.aux)];
}

void Lowering::note_view_uses() {
  for (const ir::Block& block : function_.blocks) {
    for (ValueId id : block.instrs) {
      if (takes_views(function_.values[id].op)) {
        for (ValueId arg : function_.values[id].args) {
          wants_view_[arg] = wants_view_[arg] || ir::is_array(type(arg));
        }
      }
    }
  }
}

llvm::Value* Lowering::new_view(ir::TypeRef array) {
  const uint64_t shape_bytes = 8ULL * array->ndim;
  llvm::Value* view = frame_.reserve(sizeof(ArrayView) + 2 * shape_bytes);
  Builder& entry = frame_.entry();
  llvm::Value* shape = offset_address(entry, view, sizeof(ArrayView));
  llvm::Value* strides = offset_address(entry, view, sizeof(ArrayView) + shape_bytes);
  const auto store = [&](llvm::Value* content, size_t offset) {
    unit_.mark(entry.CreateStore(content, offset_address(entry, view, offset)), Memory::kFrame);
  };
  store(shape, offsetof(ArrayView, shape));
  store(strides, offsetof(ArrayView, strides));
  // Both 32-bit fields in one store.
  static_assert(offsetof(ArrayView, dtype) == offsetof(ArrayView, ndim) + 4);
  const auto dtype = static_cast<uint64_t>(static_cast<uint32_t>(array->dtype));
  store(entry.getInt64(dtype << 32 | array->ndim), offsetof(ArrayView, ndim));
  return view;
}

void Lowering::fill_view(llvm::Value* view, const Parts& parts) {
  const auto store = [&](llvm::Value* content, size_t offset) {
    unit_.mark(b_.CreateStore(content, offset_address(b_, view, offset)), Memory::kFrame);
  };
  store(parts[kBlockPart], offsetof(ArrayView, block));
  store(parts[kDataPart], offsetof(ArrayView, data));
  for (size_t i = kDataPart + 1; i < parts.size(); ++i) {
    store(parts[i], sizeof(ArrayView) + 8 * (i - kDataPart - 1));
  }
}

Parts Lowering::load_view(ir::TypeRef array, llvm::Value* view) {
  const auto load = [&](llvm::Type* type, size_t offset) {
    llvm::LoadInst* content = b_.CreateLoad(type, offset_address(b_, view, offset));
    unit_.mark(content, Memory::kFrame);
    return content;
  };
  Parts parts{load(unit_.pointer(), offsetof(ArrayView, block)), load(unit_.pointer(), offsetof(ArrayView, data))};
  for (unsigned i = 0; i < 2U * array->ndim; ++i) {
    parts.push_back(load(unit_.i64(), sizeof(ArrayView) + 8ULL * i));
  }
  return parts;
}

// The view of an array that kernels take is made where the array comes into being, so that uses in loops find it ready.
llvm::Value* Lowering::view_of(ValueId array) {
  const auto known = views_.find(array);
  if (known != views_.end()) {
    return known->second;
  }
  llvm::Value* view = view_of(type(array), value(array));
  views_[array] = view;
  return view;
}

llvm::Value* Lowering::view_of(ir::TypeRef array, const Parts& parts) {
  llvm::Value* view = new_view(array);
  fill_view(view, parts);
  return view;
}

void Lowering::add_runtime_argument(CallBuilder& call, ir::TypeRef type, const Parts& parts, ValueId whole) {
  if (ir::is_array(type)) {
    call.add(whole == ir::kNone ? view_of(type, parts) : view_of(whole));
    return;
  }
  if (type->kind == ir::Kind::kTuple) {
    for (unsigned i = 0; i < type->items.size(); ++i) {
      const unsigned first = item_offset(type, i);
      const Parts item(parts.begin() + first, parts.begin() + first + part_count(type->items[i]));
      add_runtime_argument(call, type->items[i], item, ir::kNone);
    }
    return;
  }
  size_t index = 0;
  for (Part part : parts_of(type)) {
    llvm::Value* content = parts[index++];
    if (part.kind == PartKind::kFloat && part.bits == 16) {
      content = b_.CreateBitCast(content, b_.getInt16Ty());
    }
    call.add_part(unit_, b_, part, content);
  }
}

void Lowering::add_runtime_result(CallBuilder& call, ir::TypeRef type) {
  if (type->kind == ir::Kind::kTuple || type->kind == ir::Kind::kOptional || type->kind == ir::Kind::kRange) {
    const size_t count = type->kind == ir::Kind::kTuple ? type->items.size() : type->kind == ir::Kind::kRange ? 3 : 2;
    for (unsigned i = 0; i < count; ++i) {
      add_runtime_result(call, item_type(type, i));
    }
    return;
  }
  if (part_count(type) == 0) {
    return;
  }
  llvm::Value* memory = ir::is_array(type) ? new_view(type) : static_cast<llvm::Value*>(frame_.reserve(item_size(type)));
  call.add(memory);
  call.results.push_back({type, memory});
}

Parts Lowering::load_runtime_result(CallBuilder& call, ValueId id) {
  Parts whole;
  for (const CallBuilder::Result& result : call.results) {
    const Parts parts = ir::is_array(result.type) ? load_view(result.type, result.memory)
                                                  : load_item(unit_, b_, result.type, result.memory, Memory::kFrame);
    whole.append(parts.begin(), parts.end());
  }
  if (ir::is_array(type(id))) {
    views_[id] = call.results[0].memory;
  }
  return whole;
}

Parts Lowering::lower_runtime(ValueId id, const Instr& instr) {
  CallBuilder call;
  call.add(frame_.env());
  add_runtime_result(call, instr.type);
  for (ValueId arg : instr.args) {
    add_runtime_argument(call, type(arg), value(arg), arg);
  }
  errors_.leave_unless_ok(call.call(unit_, b_, symbol(instr).name, unit_.i32()), instr.location);
  return load_runtime_result(call, id);
}

Parts Lowering::lower_extern(const Instr& instr) {
  return call_extern(unit_, b_, symbol(instr).name, instr.type, argument_types(instr), operands(instr));
}

// NumPy's loop over one item, on the stack.
Parts Lowering::lower_ufunc(const Instr& instr) {
  llvm::SmallVector<LoopOperand, 4> loop;
  for (ValueId arg : instr.args) {
    llvm::Value* memory = frame_.reserve(item_size(type(arg)));
    store_item(unit_, b_, type(arg), value(arg), memory, Memory::kFrame);
    loop.push_back({memory, item_size(type(arg))});
  }
  const bool several = instr.type->kind == ir::Kind::kTuple;
  const std::vector<ir::TypeRef> results = several ? instr.type->items : std::vector<ir::TypeRef>{instr.type};
  for (ir::TypeRef result : results) {
    loop.push_back({frame_.reserve(item_size(result)), item_size(result)});
  }
  call_numpy_loop(frame_, b_, symbol(instr).name, loop, b_.getInt64(1));
  Parts whole;
  for (size_t i = 0; i < results.size(); ++i) {
    const Parts parts = load_item(unit_, b_, results[i], loop[instr.args.size() + i].address, Memory::kFrame);
    whole.append(parts.begin(), parts.end());
  }
  return whole;
}

std::vector<ir::TypeRef> Lowering::argument_types(const Instr& instr) const {
  std::vector<ir::TypeRef> types;
  for (ValueId arg : instr.args) {
    types.push_back(type(arg));
  }
  return types;
}

} // namespace hasten::llvm_backend
