#include "hasten/array/kernels/program.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "hasten/array/kernels/gather.h"
#include "hasten/parallel/loop.h"

namespace hasten::array {

using abi::Env;
using abi::EwiseOperand;
using abi::EwiseProgram;

namespace {

constexpr int64_t kScratchBytes = 28 * 1024; // of a 32 kB L1 cache
constexpr int64_t kPolledItems = 1 << 18;    // computed between two polls
constexpr int64_t kShortRow = 256;           // items; shorter rows are gathered together
constexpr int64_t kMostGathered = 1024;      // items of a block where some are gathered
constexpr int64_t kTransposed = 256;         // the same where a transposed operand touches a cache line for each item
constexpr int64_t kShared = 4096;            // items that a thread takes at least

int64_t rounded_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }
int64_t rounded_down(int64_t n, int64_t multiple) { return n / multiple * multiple; }

int32_t poll(Env* env) { return --env->fuel < 0 ? hst_poll(env) : 0; }

// The items that are too few for the block function's multiple, through padded copies.
int32_t run_tail(Env* env, const EwiseProgram& program, char* const* pointers, int64_t index, int64_t begin, int64_t count) {
  const int operands = program.operand_count;
  const int64_t multiple = program.multiple;
  const int64_t room = rounded_up(multiple * 16, 64);
  SmallArray<char, 4096> copies(static_cast<size_t>(room * (operands + 1)));
  BlockPointers padded(static_cast<size_t>(operands) + 1);
  for (int k = 0; k < operands; ++k) {
    padded[static_cast<size_t>(k)] = pointers[k];
    if (program.kinds[k] == EwiseOperand::kIota) {
      padded[static_cast<size_t>(k)] = reinterpret_cast<char*>(&index);
    } else if (program.kinds[k] == EwiseOperand::kArray) {
      const int64_t item = program.items[k];
      char* copy = copies.data() + k * room;
      std::memcpy(copy, pointers[k] + begin * item, static_cast<size_t>(count * item));
      pad_with_last(copy, count, multiple, item);
      padded[static_cast<size_t>(k)] = copy;
    }
  }
  char* result = copies.data() + operands * room;
  padded[static_cast<size_t>(operands)] = result;
  const int32_t status = program.block(env, padded.data(), multiple);
  std::memcpy(pointers[operands] + begin * program.result_item, result, static_cast<size_t>(count * program.result_item));
  return status;
}

} // namespace

int32_t run_block(Env* env, const EwiseProgram& program, char* const* pointers, int64_t index, int64_t count) {
  const int64_t whole = rounded_down(count, program.multiple);
  if (whole > 0) {
    BlockPointers copy(static_cast<size_t>(program.operand_count) + 1);
    for (int k = 0; k <= program.operand_count; ++k) {
      const bool iota = k < program.operand_count && program.kinds[k] == EwiseOperand::kIota;
      copy[static_cast<size_t>(k)] = iota ? reinterpret_cast<char*>(&index) : pointers[k];
    }
    if (const int32_t status = program.block(env, copy.data(), whole)) {
      return status;
    }
  }
  return whole == count ? 0 : run_tail(env, program, pointers, index + whole, whole, count - whole);
}

int32_t run_contiguous(Env* env, const EwiseProgram& program, const BlockPointers& pointers, int64_t count) {
  const int64_t step = std::max<int64_t>(program.multiple, rounded_down(std::min(program.max_block, kPolledItems), program.multiple));
  const auto run = [&](Env* e, int64_t begin, int64_t end) {
    BlockPointers moved(static_cast<size_t>(program.operand_count) + 1);
    for (int64_t at = begin; at < end; at += step) {
      for (int k = 0; k <= program.operand_count; ++k) {
        const bool array = k == program.operand_count || program.kinds[k] == EwiseOperand::kArray;
        const int64_t item = k == program.operand_count ? program.result_item : program.items[k];
        moved[static_cast<size_t>(k)] = pointers[static_cast<size_t>(k)] + (array ? at * item : 0);
      }
      if (const int32_t status = run_block(e, program, moved.data(), at, std::min(step, end - at))) {
        return status;
      }
      const int32_t interrupted = poll(e);
      if (interrupted != 0) {
        return interrupted;
      }
    }
    return 0;
  };
  if (program.parallel == 0 || count < 2 * kShared) {
    return run(env, 0, count);
  }
  return static_cast<int32_t>(
      parallel::parallel_for(env, (count + kShared - 1) / kShared, program.cost * kShared, [&](Env* e, int64_t begin, int64_t end) {
        return static_cast<abi::Status>(run(e, begin * kShared, std::min(end * kShared, count)));
      }));
}

namespace {

int count_arrays(const EwiseProgram& program) {
  return static_cast<int>(std::count(program.kinds, program.kinds + program.operand_count, EwiseOperand::kArray));
}

bool has_iota(const EwiseProgram& program) {
  return std::find(program.kinds, program.kinds + program.operand_count, EwiseOperand::kIota) != program.kinds + program.operand_count;
}

} // namespace

BlockNest::BlockNest(const EwiseProgram& program, const void* const* operands, int ndim, const int64_t* shape, const abi::ArrayView* out)
    : program_(program), operands_(operands), nest_(count_arrays(program) + (out != nullptr ? 1 : 0), ndim, shape),
      slots_(static_cast<size_t>(program.operand_count)) {
  int slot = 0;
  for (int k = 0; k < program.operand_count; ++k) {
    const bool array = program.kinds[k] == EwiseOperand::kArray;
    slots_[static_cast<size_t>(k)] = array ? slot : -1;
    if (array) {
      const abi::ArrayView& view = array_operand(operands, k);
      nest_.set_operand(slot++, view.data, view.ndim, view.shape, view.strides);
    }
  }
  if (out != nullptr) {
    result_slot_ = slot;
    nest_.set_operand(slot, out->data, out->ndim, out->shape, out->strides);
  }
  if (!has_iota(program)) { // which counts in C order
    nest_.sort_axes();
  }
  nest_.merge_axes();
  choose_block();
}

// Whether the items lie one behind the other, in all of the nest or in each row.
bool BlockNest::is_direct(int slot, int64_t item, bool within_row) const {
  if (nest_.inner_stride(slot) != item && nest_.inner_size() > 1) {
    return false;
  }
  int64_t stride = item * nest_.inner_size();
  for (int axis = nest_.ndim() - 2; axis >= 0 && !within_row; --axis) {
    if (nest_.stride(slot, axis) != stride) {
      return false;
    }
    stride *= nest_.extent(axis);
  }
  return true;
}

char* BlockNest::direct_pointer(int slot, int64_t item, int64_t begin) const {
  return const_cast<char*>(is_direct(slot, item, false) ? nest_.data(slot) + begin * item : nest_.item(slot, begin));
}

bool BlockNest::is_contiguous() const {
  bool contiguous = nest_.ndim() == 1;
  for (int k = 0; k < program_.operand_count && contiguous; ++k) {
    const int slot = slots_[static_cast<size_t>(k)];
    contiguous = slot < 0 || is_direct(slot, program_.items[k], false);
  }
  return contiguous && (!has_result() || is_direct(result_slot_, program_.result_item, false));
}

void BlockNest::set_pointers(int64_t begin, BlockPointers* pointers) const {
  for (int k = 0; k < program_.operand_count; ++k) {
    const int slot = slots_[static_cast<size_t>(k)];
    (*pointers)[static_cast<size_t>(k)] =
        slot < 0 ? static_cast<char*>(const_cast<void*>(operands_[k])) : const_cast<char*>(nest_.data(slot)) + begin * program_.items[k];
  }
  if (has_result()) {
    (*pointers)[static_cast<size_t>(program_.operand_count)] = const_cast<char*>(nest_.data(result_slot_)) + begin * program_.result_item;
  }
}

// Whether an operand is walked along the inner axis only.
bool BlockNest::repeats_each_row(int slot) const {
  bool repeats = true;
  for (int axis = nest_.ndim() - 2; axis >= 0; --axis) {
    repeats = repeats && nest_.stride(slot, axis) == 0;
  }
  return repeats;
}

void BlockNest::choose_block() {
  const bool rows = nest_.inner_size() >= kShortRow;
  int64_t gathered = 0; // bytes for each item
  bool transposed = false;
  bool repeated = false;
  for (int k = 0; k <= program_.operand_count; ++k) {
    const int slot = k == program_.operand_count ? result_slot_ : slots_[static_cast<size_t>(k)];
    if (slot >= 0 && !is_direct(slot, item_bytes_at(k), has_result() && rows)) {
      gathered += item_bytes_at(k);
      repeated |= slot != result_slot_ && repeats_each_row(slot);
      transposed |= nest_.ndim() > 1 && std::abs(nest_.stride(slot, nest_.ndim() - 2)) < std::abs(nest_.inner_stride(slot));
    }
  }
  column_order_ = transposed && rows && has_result();
  block_ = kPolledItems;
  if (gathered > 0) {
    block_ = std::min(kScratchBytes / gathered, column_order_ ? kTransposed : kMostGathered);
  }
  block_ = std::max<int64_t>(program_.multiple, rounded_down(std::min(block_, program_.max_block), program_.multiple));
  const int64_t rows_together = nest_.inner_size() * (nest_.inner_size() * program_.multiple <= block_ ? program_.multiple : 1);
  repeats_ = repeated && !rows && has_result() && rows_together <= block_;
  block_ = repeats_ ? rounded_down(block_, rows_together) : block_;
  scratch_bytes_ = static_cast<size_t>(gathered * block_ + 64 * (program_.operand_count + 1));
  pieces_per_row_ = rows ? (nest_.inner_size() + block_ - 1) / block_ : 0;
}

int32_t BlockNest::run_piece(Env* env, int64_t begin, int64_t count, bool within_row, bool first, char* result, char* scratch) const {
  BlockPointers pointers(static_cast<size_t>(program_.operand_count) + 1);
  for (int k = 0; k < program_.operand_count; ++k) {
    const int slot = slots_[static_cast<size_t>(k)];
    const int64_t item = program_.items[k];
    char*& pointer = pointers[static_cast<size_t>(k)];
    if (slot < 0) {
      pointer = static_cast<char*>(const_cast<void*>(operands_[k]));
    } else if (is_direct(slot, item, within_row)) {
      pointer = direct_pointer(slot, item, begin);
    } else {
      if (first || !repeats_ || !repeats_each_row(slot)) {
        gather(nest_, slot, begin, count, item, scratch);
      }
      pointer = scratch;
      scratch += rounded_up(block_ * item, 64);
    }
  }
  char*& target = pointers[static_cast<size_t>(program_.operand_count)];
  target = result;
  const bool scattered = result == nullptr && !is_direct(result_slot_, program_.result_item, within_row);
  if (result == nullptr) {
    target = scattered ? scratch : direct_pointer(result_slot_, program_.result_item, begin);
  }
  const int32_t status = run_block(env, program_, pointers.data(), begin, count);
  if (scattered && status == 0) {
    scatter(nest_, result_slot_, begin, count, program_.result_item, target);
  }
  return status;
}

int32_t BlockNest::compute(Env* env, int64_t begin, int64_t count, char* result) const {
  SmallArray<char, kScratchBytes + 1024> scratch(scratch_bytes_);
  return run_piece(env, begin, count, false, true, result, scratch.data());
}

int32_t BlockNest::run_pieces(Env* env, int64_t first, int64_t last) const {
  SmallArray<char, kScratchBytes + 1024> scratch(scratch_bytes_);
  const bool rows = pieces_per_row_ > 0;
  const int64_t length = rows ? nest_.inner_size() : size();
  const int64_t row_count = rows ? size() / length : 1;
  for (int64_t i = first; i < last; ++i) {
    const int64_t row = !rows ? 0 : column_order_ ? i % row_count : i / pieces_per_row_;
    const int64_t piece = !rows ? i : column_order_ ? i / row_count : i % pieces_per_row_;
    const int64_t count = std::min(block_, length - piece * block_);
    if (const int32_t status = run_piece(env, row * length + piece * block_, count, rows, i == first, nullptr, scratch.data())) {
      return status;
    }
    if (const int32_t status = poll(env)) {
      return status;
    }
  }
  return 0;
}

int32_t BlockNest::run(Env* env) const {
  if (size() == 0) {
    return 0;
  }
  if (is_contiguous()) {
    BlockPointers pointers(static_cast<size_t>(program_.operand_count) + 1);
    set_pointers(0, &pointers);
    return run_contiguous(env, program_, pointers, size());
  }
  const bool rows = pieces_per_row_ > 0;
  const int64_t pieces = rows ? size() / nest_.inner_size() * pieces_per_row_ : (size() + block_ - 1) / block_;
  if (program_.parallel == 0 || pieces < 2) {
    return run_pieces(env, 0, pieces);
  }
  const float cost = program_.cost * static_cast<float>(size()) / static_cast<float>(pieces);
  return static_cast<int32_t>(parallel::parallel_for(
      env, pieces, cost, [&](Env* e, int64_t begin, int64_t end) { return static_cast<abi::Status>(run_pieces(e, begin, end)); }));
}

} // namespace hasten::array
