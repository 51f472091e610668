// The BLAS that NumPy itself uses, so that products have its bits and the process one library and one thread pool.
#pragma once

#include <optional>

namespace hasten::array {

// The routines of one item type, with the C interface's signatures. `dot` is cblas_?dot for real types and cblas_?dotu_sub for complex
// ones.
struct BlasRoutines {
  void* dot = nullptr;
  void* gemv = nullptr;
  void* gemm = nullptr;
  void* syrk = nullptr;
};

struct BlasTable {
  bool ilp64 = false; // integers of 64 bits
  BlasRoutines f32, f64, c64, c128;
};

// Looks the routines up in a loaded shared object and what it depends on: the path of NumPy's _multiarray_umath. Loads nothing. Empty where
// the object isn't loaded or some routine is missing.
std::optional<BlasTable> find_blas(const char* path);

// Called once, while no product is being computed. Until then products are computed by loops of ours.
void set_blas_table(const BlasTable& table);

// Null before set_blas_table.
const BlasTable* blas_table();

} // namespace hasten::array
