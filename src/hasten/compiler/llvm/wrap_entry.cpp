#include <cstddef>

#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/lowering.h"
#include "hasten/compiler/llvm/wrappers.h"

namespace hasten::llvm_backend {
namespace {

std::vector<Parts> unpack_arguments(Unit& unit, Builder& b, const ir::Function& function, llvm::Value* slots) {
  std::vector<Parts> params;
  unsigned slot = 0;
  for (ir::TypeRef param : function.params) {
    params.push_back(load_slots(unit, b, param, slots, slot));
    slot += part_count(param);
  }
  return params;
}

// Forwards to the native function, which others call too.
void forward(Unit& unit, Frame& frame, Builder& b, const ir::Function& function, std::vector<Parts> params, llvm::Value* out) {
  llvm::Value* result = frame.reserve(8ULL * (part_count(function.result) + 1));
  llvm::SmallVector<llvm::Value*, 16> args{frame.env(), result};
  for (const Parts& param : params) {
    args.append(param.begin(), param.end());
  }
  llvm::Value* status = b.CreateCall(unit.native(0), args);
  llvm::BasicBlock* failed = frame.new_block("failed");
  llvm::BasicBlock* fine = frame.new_block("fine");
  b.CreateCondBr(b.CreateICmpNE(status, b.getInt32(0)), failed, fine, unit.unlikely());
  b.SetInsertPoint(failed);
  b.CreateRet(status);
  b.SetInsertPoint(fine);
  store_extended_slots(unit, b, function.result, load_slots(unit, b, function.result, result), out, Memory::kFrame);
  b.CreateRet(unit.status(abi::Status::kOk));
}

} // namespace

void emit_entry(Unit& unit, bool called_elsewhere) {
  const ir::Function& function = unit.ir().functions[0];
  llvm::Type* const pointer = unit.pointer();
  llvm::Function* host = unit.define(kEntrySymbol, unit.i32(), {pointer, pointer, pointer}, true);
  describe_env(*host, 0);
  host->addParamAttr(1, llvm::Attribute::ReadOnly);
  host->addParamAttr(1, llvm::Attribute::NoAlias);
  host->addParamAttr(2, llvm::Attribute::NoAlias);
  Builder b(unit);
  Frame frame(unit, *host, host->getArg(0), b);
  std::vector<Parts> params = unpack_arguments(unit, b, function, host->getArg(1));
  llvm::Value* out = host->getArg(2);
  if (called_elsewhere) {
    forward(unit, frame, b, function, std::move(params), out);
    return;
  }
  const auto on_return = [&](const Parts& result) {
    store_extended_slots(unit, b, function.result, result, out, Memory::kFrame);
    b.CreateRet(unit.status(abi::Status::kOk));
  };
  Lowering(frame, function, b, std::move(params), {on_return, [&](llvm::Value* status) { b.CreateRet(status); }}).run();
}

void emit_natives(Unit& unit) {
  for (uint32_t index = unit.take_pending(); index != ir::kNone; index = unit.take_pending()) {
    const ir::Function& function = unit.ir().functions[index];
    llvm::Function* host = unit.native(index);
    Builder b(unit);
    Frame frame(unit, *host, host->getArg(0), b);
    std::vector<Parts> params;
    unsigned position = 2;
    for (ir::TypeRef param : function.params) {
      params.emplace_back();
      for (unsigned i = 0; i < part_count(param); ++i) {
        params.back().push_back(host->getArg(position++));
      }
    }
    const auto on_return = [&](const Parts& result) {
      store_slots(unit, b, function.result, result, host->getArg(1));
      b.CreateRet(unit.status(abi::Status::kOk));
    };
    Lowering(frame, function, b, std::move(params), {on_return, [&](llvm::Value* status) { b.CreateRet(status); }}).run();
  }
}

llvm::Value* make_env(Frame& frame, Builder& b) {
  Unit& unit = frame.unit();
  llvm::Value* env = frame.reserve(sizeof(abi::Env), alignof(abi::Env));
  b.CreateMemSet(env, b.getInt8(0), offsetof(abi::Env, payload), llvm::Align(alignof(abi::Env)));
  static const abi::Env kInitial{};
  const auto store = [&](int32_t value, size_t offset) {
    unit.mark(b.CreateStore(unit.int32(value), offset_address(b, env, offset)), Memory::kEnv);
  };
  store(kInitial.refill, offsetof(abi::Env, refill));
  store(kInitial.site, offsetof(abi::Env, site));
  store(0, offsetof(abi::Env, message)); // an empty text
  return env;
}

} // namespace hasten::llvm_backend
