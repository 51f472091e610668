#include "hasten/bindings/dispatcher_options.h"

#include <string_view>

namespace hasten::bindings {
namespace {

// Whether the text is the first or the second word. False with ValueError set where it is neither.
bool choose(const char* option, std::string_view text, const char* first, const char* second, bool* is_second) {
  *is_second = text == second;
  if (*is_second || text == first) {
    return true;
  }
  PyErr_Format(PyExc_ValueError, "%s must be '%s' or '%s', not '%.*s'", option, first, second, static_cast<int>(text.size()), text.data());
  return false;
}

} // namespace

bool parse_options(PyObject* args, PyObject* kwargs, DispatcherOptions* out) {
  static const char* const names[] = {"function", "dialect", "overflow", "error_model", "exact_joins", "boundscheck", "fastmath",
                                      "parallel", "nogil",   "debug",    "cache",       "gradual",     "interpret",   nullptr};
  const char* dialect = "python";
  const char* overflow = "wrap";
  const char* error_model = "python";
  int exact_joins = 0;
  int bounds_check = 1;
  unsigned char fastmath = 0;
  int parallel = 0;
  int nogil = 0;
  int debug = 0;
  int cache = 1;
  int gradual = 0;
  int interpret = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$sssppbpppppp:Dispatcher", const_cast<char**>(names), &out->function, &dialect,
                                   &overflow, &error_model, &exact_joins, &bounds_check, &fastmath, &parallel, &nogil, &debug, &cache,
                                   &gradual, &interpret)) {
    return false;
  }
  if (!PyFunction_Check(out->function)) {
    PyErr_Format(PyExc_TypeError, "a Python function is needed, not %R", out->function);
    return false;
  }
  bool is_numba = false;
  bool raises = false;
  bool is_numpy = false;
  if (!choose("dialect", dialect, "python", "numba", &is_numba) || !choose("overflow", overflow, "wrap", "raise", &raises) ||
      !choose("error_model", error_model, "python", "numpy", &is_numpy)) {
    return false;
  }
  infer::Options& options = out->options;
  options.dialect = is_numba ? infer::Dialect::kNumba : infer::Dialect::kPython;
  options.overflow = raises ? ir::Overflow::kRaise : ir::Overflow::kWrap;
  options.error_model = is_numpy ? infer::ErrorModel::kNumpy : infer::ErrorModel::kPython;
  options.exact_joins = exact_joins != 0;
  options.bounds_check = bounds_check != 0;
  options.fastmath = fastmath;
  options.parallel = parallel != 0;
  options.nogil = nogil != 0;
  options.debug = debug != 0;
  out->cache = cache != 0;
  out->gradual = gradual != 0;
  out->interpret = interpret != 0;
  return true;
}

} // namespace hasten::bindings
