// Calls that all ranks make together, as compiled code makes them. They block without the GIL until all ranks have come as far as they
// need; signals are looked at after that.
//
// Where ranks must agree on what they pass, each tells the others the dtype and the shape of its array first. So a rank that passes
// something else raises an error, and leaves no rank waiting.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
int32_t hst_mpi_barrier(hasten::abi::Env* env);
// out: `value` itself in rank `root`, in the others a new array like it. `value` has the same dtype and dimensions everywhere.
int32_t hst_mpi_bcast(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* value, int64_t root);
// out: this rank's rows of the array of rank `root`; those of others count for their dtype and dimensions only.
int32_t hst_mpi_scatter(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values, int64_t root);
// out: the rows of all ranks, *has_result: 1, in rank `root`; in the others *has_result is 0 and `out` without memory.
int32_t hst_mpi_gather(hasten::abi::Env* env, int8_t* has_result, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values,
                       int64_t root);
int32_t hst_mpi_allgather(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values);
// `how`: a Combine that the dtype allows. The arrays have one dtype and number of items in all ranks. Results as of gather.
int32_t hst_mpi_reduce(hasten::abi::Env* env, int8_t* has_result, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values,
                       int64_t how, int64_t root);
// The same, but `out` has memory in all ranks: zeros where there is no result.
int32_t hst_mpi_reduce_or_zero(hasten::abi::Env* env, int8_t* has_result, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values,
                               int64_t how, int64_t root);
int32_t hst_mpi_allreduce(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* values, int64_t how);
}
