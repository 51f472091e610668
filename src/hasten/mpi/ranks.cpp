#include "hasten/mpi/ranks.h"

#include "hasten/mpi/library.h"

using hasten::abi::Env;
using hasten::mpi::library;

extern "C" {

int32_t hst_mpi_rank(Env*, int64_t* rank) {
  *rank = library().rank;
  return 0;
}

int32_t hst_mpi_size(Env*, int64_t* size) {
  *size = library().size;
  return 0;
}

int32_t hst_mpi_initialized(Env* env, int8_t* is_initialized) {
  int flag = 0;
  const int code = library().call.Initialized(&flag);
  *is_initialized = flag != 0 ? 1 : 0;
  return hasten::mpi::check(env, code, "MPI_Initialized");
}

int32_t hst_mpi_wtime(Env*, double* seconds) {
  *seconds = library().call.Wtime();
  return 0;
}
}
