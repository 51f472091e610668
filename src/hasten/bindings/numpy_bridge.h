// NumPy as a library: its C API, its inner loops, its BLAS and its legacy random generator. Nothing is looked up before it is wanted.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hasten::bindings {

// Imports NumPy and its C API, once; numpy_api.h may be used from then on. Throws Diagnostic where NumPy can't be imported. GIL held.
void import_numpy();
// Whether that has happened. Any thread.
bool has_numpy();
// As import_numpy, but only where the program has imported NumPy itself: before that no object can be NumPy's. GIL held.
bool find_numpy();

// Whether a ufunc's inner loop may be called without Python around it.
enum class LoopSafety : uint8_t {
  kPlain, // yes
  kFlags, // it tells of errors by the floating-point status only: clear it before, look at FE_INVALID after
  kNever, // it may set a Python error or take the GIL, or there is no such loop
};
// `ufunc`: its name in numpy, "linalg.det" (of numpy.linalg._umath_linalg) or "fft.fft" (of numpy.fft._pocketfft_umath). `types`: NumPy's
// type characters of inputs and outputs, "ddd". Any thread.
LoopSafety loop_safety(std::string_view ufunc, std::string_view types);

// The address of the abi::NumpyLoop that the symbol "npy_loop.<ufunc>.<types>" names, for plain loops; null for all other names. It lives
// as long as the process. Takes the GIL. A jit::SymbolProvider.
void* numpy_symbol(std::string_view name);
// As numpy_symbol, for kernels that look at the floating-point status: loops of kFlags too.
void* numpy_checked_loop(std::string_view ufunc, std::string_view types);

// The path of NumPy's extension module that holds BLAS ("numpy._core._multiarray_umath") or LAPACK ("numpy.linalg._umath_linalg"), for
// dlopen; empty where there is none. Takes the GIL.
std::string numpy_library(const char* module);

// The state of the legacy generator's MT19937 (numpy.random.mtrand's `_rand`): 624 words and the position, in NumPy's own memory. Null
// where it uses another bit generator. It changes when Python code sets another one, so it is asked for anew in each call. Takes the GIL.
void* legacy_random_state();

} // namespace hasten::bindings
