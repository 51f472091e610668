#include "harness.h"

#include <gtest/gtest.h>

#include "hasten/abi/block.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/verifier.h"

namespace hasten::llvm_backend::testing {
namespace {

ir::Module parse_valid(const std::string& text) {
  ir::Module module = ir::parse(text);
  EXPECT_EQ(ir::verify(module), "");
  return module;
}

} // namespace

void add_slots(Slots& slots, void* data, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  slots.push_back(reinterpret_cast<uint64_t>(&abi::hst_immortal_block));
  slots.push_back(reinterpret_cast<uint64_t>(data));
  slots.insert(slots.end(), shape.begin(), shape.end());
  slots.insert(slots.end(), strides.begin(), strides.end());
}

Code::Code(const std::string& text, const EmitOptions& options) : Code(parse_valid(text), options) {}

Code::Code(const ir::Module& module, const EmitOptions& options)
    : object_(emit_object(module, options)), code_(jit::load_object(object_.bytes)) {}

int32_t Code::call_slots(const Slots& in) {
  env.trace_count = 0;
  return code_->entry()(&env, in.data(), out.data());
}

void Code::expect_ok(int32_t status) const { EXPECT_EQ(status, 0) << env.message; }

int64_t live_blocks() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t bytes = 0;
  abi::hst_block_counts(&allocated, &freed, &bytes);
  return allocated - freed;
}

} // namespace hasten::llvm_backend::testing
