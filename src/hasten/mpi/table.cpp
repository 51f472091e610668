#include "hasten/mpi/table.h"

#include "hasten/mpi/collectives.h"
#include "hasten/mpi/messages.h"
#include "hasten/mpi/ranks.h"

namespace hasten::mpi {

std::span<const abi::Symbol> mpi_symbols() {
  static const abi::Symbol symbols[] = {
      HASTEN_SYMBOL(hst_mpi_rank),           HASTEN_SYMBOL(hst_mpi_size),      HASTEN_SYMBOL(hst_mpi_initialized),
      HASTEN_SYMBOL(hst_mpi_wtime),          HASTEN_SYMBOL(hst_mpi_send),      HASTEN_SYMBOL(hst_mpi_recv),
      HASTEN_SYMBOL(hst_mpi_sendrecv),       HASTEN_SYMBOL(hst_mpi_isend),     HASTEN_SYMBOL(hst_mpi_irecv),
      HASTEN_SYMBOL(hst_mpi_wait),           HASTEN_SYMBOL(hst_mpi_waitall),   HASTEN_SYMBOL(hst_mpi_waitany),
      HASTEN_SYMBOL(hst_mpi_test),           HASTEN_SYMBOL(hst_mpi_testall),   HASTEN_SYMBOL(hst_mpi_testany),
      HASTEN_SYMBOL(hst_mpi_barrier),        HASTEN_SYMBOL(hst_mpi_bcast),     HASTEN_SYMBOL(hst_mpi_scatter),
      HASTEN_SYMBOL(hst_mpi_gather),         HASTEN_SYMBOL(hst_mpi_allgather), HASTEN_SYMBOL(hst_mpi_reduce),
      HASTEN_SYMBOL(hst_mpi_reduce_or_zero), HASTEN_SYMBOL(hst_mpi_allreduce),
  };
  return symbols;
}

} // namespace hasten::mpi
