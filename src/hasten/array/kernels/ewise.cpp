#include "hasten/array/kernels/ewise.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/overlap.h"
#include "hasten/array/kernels/program.h"

namespace hasten::array {

using abi::ArrayView;
using abi::Env;
using abi::EwiseOperand;
using abi::EwiseProgram;
using abi::Status;

Status operands_shape(Env* env, const EwiseProgram& program, const void* const* operands, Shape* shape) {
  bool first = true;
  for (int k = 0; k < program.operand_count; ++k) {
    if (program.kinds[k] != EwiseOperand::kArray) {
      continue;
    }
    const ArrayView& view = array_operand(operands, k);
    if (first) {
      shape->ndim = view.ndim;
      std::copy_n(view.shape, view.ndim, shape->dims);
      first = false;
    } else if (view.ndim != shape->ndim || !std::equal(view.shape, view.shape + view.ndim, shape->dims)) {
      if (const Status status = broadcast(env, shape, view.shape, view.ndim); status != Status::kOk) {
        return status;
      }
    }
  }
  return Status::kOk;
}

namespace {

// Whether all array operands have this shape and lie in C order, so that no nest is needed.
bool all_plain(const EwiseProgram& program, const void* const* operands, const ArrayView& out) {
  for (int k = 0; k < program.operand_count; ++k) {
    if (program.kinds[k] != EwiseOperand::kArray) {
      continue;
    }
    const ArrayView& view = array_operand(operands, k);
    if (view.ndim != out.ndim || !std::equal(view.shape, view.shape + view.ndim, out.shape) || !is_c_contiguous(view, program.items[k])) {
      return false;
    }
  }
  return true;
}

// Fortran order where every array operand of full rank has it (and isn't in C order too).
bool wants_fortran_order(const EwiseProgram& program, const void* const* operands, int ndim) {
  bool any = false;
  for (int k = 0; k < program.operand_count; ++k) {
    if (program.kinds[k] == EwiseOperand::kIota) {
      return false;
    }
    if (program.kinds[k] != EwiseOperand::kArray) {
      continue;
    }
    const ArrayView& view = array_operand(operands, k);
    if (view.ndim == ndim) {
      if (!is_fortran_contiguous(view, program.items[k]) || is_c_contiguous(view, program.items[k])) {
        return false;
      }
      any = true;
    }
  }
  return any && ndim > 1;
}

void set_plain_pointers(const EwiseProgram& program, const void* const* operands, const ArrayView& out, BlockPointers* pointers) {
  for (int k = 0; k < program.operand_count; ++k) {
    const bool array = program.kinds[k] == EwiseOperand::kArray;
    (*pointers)[static_cast<size_t>(k)] = array ? array_operand(operands, k).data : static_cast<char*>(const_cast<void*>(operands[k]));
  }
  (*pointers)[static_cast<size_t>(program.operand_count)] = out.data;
}

// The operands fit `out` and don't clash with it.
int32_t run_program(Env* env, const EwiseProgram& program, const void* const* operands, const ArrayView& out) {
  if (program.block == nullptr) {
    copy_view(out, array_operand(operands, 0), program.result_item);
    return 0;
  }
  if (is_c_contiguous(out, program.result_item) && all_plain(program, operands, out)) {
    BlockPointers pointers(static_cast<size_t>(program.operand_count) + 1);
    set_plain_pointers(program, operands, out, &pointers);
    const int64_t items = count_items(out);
    return items == 0 ? 0 : run_contiguous(env, program, pointers, items);
  }
  return BlockNest(program, operands, out.ndim, out.shape, &out).run(env);
}

// An array that lives until the end of a call.
class Temporary {
public:
  Temporary() = default;
  ~Temporary() {
    if (view_.block != nullptr) {
      abi::hst_block_release(view_.block);
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  Status allocate_like(Env* env, const ArrayView& like, int64_t item) {
    view_ = {nullptr, nullptr, shape_, strides_, like.ndim, like.dtype};
    std::copy_n(like.shape, like.ndim, shape_);
    return allocate(env, &view_, item);
  }
  const ArrayView& view() const { return view_; }

private:
  ArrayView view_{};
  int64_t shape_[kMostDims];
  int64_t strides_[kMostDims];
};

// Copies first what the assignment would overwrite too early: the operands that clash with `out`, or the result where that is less.
int32_t run_with_clashes(Env* env, const EwiseProgram& program, const void* const* operands, const ArrayView& out,
                         const std::vector<int>& clashing) {
  int64_t bytes = 0;
  for (const int k : clashing) {
    bytes += count_items(array_operand(operands, k)) * program.items[k];
  }
  if (bytes > count_items(out) * program.result_item) {
    Temporary result;
    Status status = result.allocate_like(env, out, program.result_item);
    if (status == Status::kOk) {
      status = static_cast<Status>(run_program(env, program, operands, result.view()));
    }
    if (status == Status::kOk) {
      copy_view(out, result.view(), program.result_item);
    }
    return static_cast<int32_t>(status);
  }
  std::vector<const void*> safe(operands, operands + program.operand_count);
  const auto copies = std::make_unique<Temporary[]>(clashing.size());
  for (size_t i = 0; i < clashing.size(); ++i) {
    const int k = clashing[i];
    const ArrayView& original = array_operand(operands, k);
    if (const Status status = copies[i].allocate_like(env, original, program.items[k]); status != Status::kOk) {
      return static_cast<int32_t>(status);
    }
    copy_view(copies[i].view(), original, program.items[k]);
    safe[static_cast<size_t>(k)] = &copies[i].view();
  }
  return run_program(env, program, safe.data(), out);
}

std::vector<int> find_clashes(const EwiseProgram& program, const void* const* operands, const ArrayView& out) {
  std::vector<int> clashing;
  for (int k = 0; k < program.operand_count; ++k) {
    if (program.kinds[k] == EwiseOperand::kArray && may_clash(out, program.result_item, array_operand(operands, k), program.items[k])) {
      clashing.push_back(k);
    }
  }
  return clashing;
}

Status new_shape(Env* env, const EwiseProgram& program, const void* const* operands, int ndim, const int64_t* shape, ArrayView* result) {
  Shape common;
  if (const Status status = operands_shape(env, program, operands, &common); status != Status::kOk) {
    return status;
  }
  if (shape == nullptr) {
    result->ndim = common.ndim;
    std::copy_n(common.dims, common.ndim, result->shape);
    return Status::kOk;
  }
  result->ndim = ndim;
  std::copy_n(shape, ndim, result->shape);
  return check_assignable(env, common, shape, ndim);
}

} // namespace
} // namespace hasten::array

using namespace hasten;

extern "C" {

int32_t hst_ewise_new(abi::Env* env, const abi::EwiseProgram* program, const void* const* operands, int32_t ndim, const int64_t* shape,
                      abi::ArrayView* result) {
  abi::Status status = array::new_shape(env, *program, operands, ndim, shape, result);
  result->dtype = program->result_dtype;
  if (status == abi::Status::kOk) {
    status = array::allocate(env, result, program->result_item, array::wants_fortran_order(*program, operands, result->ndim));
  }
  if (status != abi::Status::kOk) {
    return static_cast<int32_t>(status);
  }
  const int32_t outcome = array::run_program(env, *program, operands, *result);
  if (outcome != 0) {
    abi::hst_block_release(result->block);
    result->block = nullptr;
  }
  return outcome;
}

int32_t hst_ewise_into(abi::Env* env, const abi::EwiseProgram* program, const void* const* operands, const abi::ArrayView* out) {
  array::Shape common;
  abi::Status status = array::operands_shape(env, *program, operands, &common);
  if (status == abi::Status::kOk) {
    status = array::check_assignable(env, common, out->shape, out->ndim);
  }
  if (status != abi::Status::kOk) {
    return static_cast<int32_t>(status);
  }
  const std::vector<int> clashing = array::find_clashes(*program, operands, *out);
  return clashing.empty() ? array::run_program(env, *program, operands, *out)
                          : array::run_with_clashes(env, *program, operands, *out, clashing);
}
}
