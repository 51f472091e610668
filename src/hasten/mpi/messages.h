// Messages from rank to rank, as compiled code sends and receives them. All of these block without the GIL; the waits look at signals
// every 10 ms, and end with an interrupted call.
//
// A request is a number; 0 and the numbers of requests that are done mean nothing to be waited for. The memory that a request reads or
// writes is kept until it is done.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
int32_t hst_mpi_send(hasten::abi::Env* env, const hasten::abi::ArrayView* array, int64_t dest, int64_t tag);
// Fills an array, or its beginning. `source` may be kAnySource. *from: who sent it; *items: how many came.
int32_t hst_mpi_recv(hasten::abi::Env* env, int64_t* from, int64_t* items, const hasten::abi::ArrayView* array, int64_t source,
                     int64_t tag);
// Sends one array and fills another at the same time.
int32_t hst_mpi_sendrecv(hasten::abi::Env* env, int64_t* from, int64_t* items, const hasten::abi::ArrayView* sent, int64_t dest,
                         const hasten::abi::ArrayView* received, int64_t source, int64_t tag);

int32_t hst_mpi_isend(hasten::abi::Env* env, int64_t* request, const hasten::abi::ArrayView* array, int64_t dest, int64_t tag);
// The array lies in C order, else ValueError.
int32_t hst_mpi_irecv(hasten::abi::Env* env, int64_t* request, const hasten::abi::ArrayView* array, int64_t source, int64_t tag);
// *from and *items: as of recv; -1 and 0 where the request was done before, or sent something.
int32_t hst_mpi_wait(hasten::abi::Env* env, int64_t* from, int64_t* items, int64_t request);
// `requests`: 1-d, int64.
int32_t hst_mpi_waitall(hasten::abi::Env* env, const hasten::abi::ArrayView* requests);
// *index: of one that is done now; -1 where all were done before.
int32_t hst_mpi_waitany(hasten::abi::Env* env, int64_t* index, const hasten::abi::ArrayView* requests);
int32_t hst_mpi_test(hasten::abi::Env* env, int8_t* is_done, int64_t request);
int32_t hst_mpi_testall(hasten::abi::Env* env, int8_t* are_done, const hasten::abi::ArrayView* requests);
// *index: -1 where none of them has got done.
int32_t hst_mpi_testany(hasten::abi::Env* env, int64_t* index, const hasten::abi::ArrayView* requests);
}
