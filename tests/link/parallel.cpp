#include "hasten/parallel/table.h"

int main() { return hasten::parallel::parallel_symbols().empty() ? 1 : 0; }
