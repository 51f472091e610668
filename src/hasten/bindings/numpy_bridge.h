// NumPy as a library: its C API, its inner loops, its BLAS and its legacy random generator. Nothing is looked up before it is wanted.
#pragma once

#include <Python.h>

#include <string>
#include <string_view>

#include "hasten/bindings/numpy_import.h"

namespace hasten::bindings {

// The address of the abi::NumpyLoop that the symbol "npy_loop.<ufunc>.<types>" names (`types`: NumPy's type characters of inputs and
// outputs, as in "add.ddd"); null where there is no such loop, or it may not be called without Python around it. It lives as long as the
// process. Takes the GIL when a name is asked for the first time. A jit::SymbolProvider.
void* numpy_symbol(std::string_view name);

// The path of NumPy's extension module that holds BLAS ("numpy._core._multiarray_umath") or LAPACK ("numpy.linalg._umath_linalg"), for
// dlopen; empty where there is none. Takes the GIL.
std::string numpy_library(const char* module);

// The state of the legacy generator's MT19937 (numpy.random.mtrand's `_rand`): 624 words and the position, in NumPy's own memory. Null
// where it uses another bit generator. It changes when Python code sets another one, so it is asked for anew in each call. Takes the GIL.
void* legacy_random_state();

} // namespace hasten::bindings
