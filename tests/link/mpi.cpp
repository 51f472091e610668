#include "hasten/mpi/table.h"

int main() { return hasten::mpi::mpi_symbols().empty() ? 1 : 0; }
