// What compiled code asks of MPI without sending anything.
#pragma once

#include <cstdint>

#include "hasten/abi/env.h"

extern "C" {
int32_t hst_mpi_rank(hasten::abi::Env* env, int64_t* rank);
int32_t hst_mpi_size(hasten::abi::Env* env, int64_t* size);
int32_t hst_mpi_initialized(hasten::abi::Env* env, int8_t* is_initialized);
int32_t hst_mpi_wtime(hasten::abi::Env* env, double* seconds);
}
