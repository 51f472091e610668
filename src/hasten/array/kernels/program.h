// Runs an EwiseProgram's block function over the items of a nest.
#pragma once

#include <cstdint>

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/nest.h"

namespace hasten::array {

// The pointers of one block call; the last is the result's.
using BlockPointers = SmallArray<char*, 12>;

inline const abi::ArrayView& array_operand(const void* const* operands, int k) { return *static_cast<const abi::ArrayView*>(operands[k]); }

// Calls the block function for `count` items, whatever its multiple: the items behind the last whole multiple go through padded copies.
// `index` is the first item's linear index, for iota operands. No operand may overlap the result otherwise than item for item.
int32_t run_block(abi::Env* env, const abi::EwiseProgram& program, char* const* pointers, int64_t index, int64_t count);

// The same for contiguous operands of any length: calls it in pieces, polling between them.
int32_t run_contiguous(abi::Env* env, const abi::EwiseProgram& program, const BlockPointers& pointers, int64_t count);

// A nest of a program's array operands and, where `out` is not null, of the result.
class BlockNest {
public:
  BlockNest(const abi::EwiseProgram& program, const void* const* operands, int ndim, const int64_t* shape, const abi::ArrayView* out);

  int64_t size() const { return nest_.size(); }
  // One run along which all array operands and the result are contiguous.
  bool is_contiguous() const;
  // The operands' pointers at item `begin` of a contiguous nest, and the result's where there is one.
  void set_pointers(int64_t begin, BlockPointers* pointers) const;

  // Computes all items into `out`.
  int32_t run(abi::Env* env) const;
  // Computes items [begin, begin + count), in the nest's order, into contiguous memory. count is at most block_items().
  int32_t compute(abi::Env* env, int64_t begin, int64_t count, char* result) const;
  int64_t block_items() const { return block_; }

private:
  bool has_result() const { return result_slot_ >= 0; }
  int64_t item_bytes_at(int k) const { return k == program_.operand_count ? program_.result_item : program_.items[k]; }
  bool is_direct(int slot, int64_t item, bool within_row) const;
  char* direct_pointer(int slot, int64_t item, int64_t begin) const;
  void choose_block();
  int32_t run_pieces(abi::Env* env, int64_t first, int64_t last) const;
  bool repeats_each_row(int slot) const;
  int32_t run_piece(abi::Env* env, int64_t begin, int64_t count, bool within_row, bool first, char* result, char* scratch) const;

  const abi::EwiseProgram& program_;
  const void* const* operands_;
  Nest nest_;
  SmallArray<int, 12> slots_; // of each operand in the nest; -1: no array
  int result_slot_ = -1;
  int64_t block_ = 0;
  size_t scratch_bytes_ = 0;
  int64_t pieces_per_row_ = 0; // 0: pieces cross the ends of the short inner axis
  bool repeats_ = false;       // pieces that cross rows are whole rows: operands that are the same in each row are gathered once
  bool column_order_ = false;  // first pieces of all rows first, which keeps the cache lines of transposed operands warm
};

} // namespace hasten::array
