#include "hasten/bindings/dispatcher_options.h"

#include <nanobind/nanobind.h>

#include <map>
#include <string>
#include <string_view>

#include "hasten/bindings/type_text.h"

namespace hasten::bindings {
namespace {

namespace nb = nanobind;

// Whether the text is the first or the second word. False with ValueError set where it is neither.
bool choose(const char* option, std::string_view text, const char* first, const char* second, bool* is_second) {
  *is_second = text == second;
  if (*is_second || text == first) {
    return true;
  }
  PyErr_Format(PyExc_ValueError, "%s must be '%s' or '%s', not '%.*s'", option, first, second, static_cast<int>(text.size()), text.data());
  return false;
}

bool is_variable(PyObject* function, PyObject* name) {
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(function));
  const nb::object variables = nb::steal(PyCode_GetVarnames(code));
  const nb::object shared = nb::steal(PyCode_GetCellvars(code)); // that functions inside read
  return PySequence_Contains(variables.ptr(), name) == 1 || PySequence_Contains(shared.ptr(), name) == 1;
}

// {"s": "float32"}. False with TypeError set.
bool parse_locals(PyObject* function, PyObject* given, std::map<std::string, ir::TypeRef>* out) {
  PyObject* name = nullptr;
  PyObject* text = nullptr;
  for (Py_ssize_t position = 0; given != nullptr && PyDict_Next(given, &position, &name, &text) != 0;) {
    const nb::object qualified = nb::steal(PyObject_GetAttrString(function, "__qualname__"));
    if (!PyUnicode_Check(name) || !PyUnicode_Check(text)) {
      PyErr_Format(PyExc_TypeError, "locals maps names of variables to texts of types, not %R to %R", name, text);
      return false;
    }
    if (!is_variable(function, name)) {
      PyErr_Format(PyExc_TypeError, "locals declares %R, but %S has no variable of that name; take it out, or correct the name", name,
                   qualified.ptr());
      return false;
    }
    const char* spelled = PyUnicode_AsUTF8(text);
    ir::TypeRef type = spelled != nullptr ? parse_type_text(spelled) : nullptr;
    if (type == nullptr) {
      PyErr_Format(PyExc_TypeError, "locals declares %R of %S as %R, which is no type; types are written as 'float32' or 'int64[:]'", name,
                   qualified.ptr(), text);
      return false;
    }
    out->emplace(PyUnicode_AsUTF8(name), type);
  }
  return true;
}

} // namespace

bool parse_options(PyObject* args, PyObject* kwargs, DispatcherOptions* out) {
  static const char* const names[] = {"function",    "dialect",  "overflow",  "error_model", "exact_joins",
                                      "boundscheck", "fastmath", "parallel",  "nogil",       "debug",
                                      "cache",       "gradual",  "interpret", "locals",      nullptr};
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
  PyObject* locals = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$sssppbppppppO!:Dispatcher", const_cast<char**>(names), &out->function, &dialect,
                                   &overflow, &error_model, &exact_joins, &bounds_check, &fastmath, &parallel, &nogil, &debug, &cache,
                                   &gradual, &interpret, &PyDict_Type, &locals)) {
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
  if (!parse_locals(out->function, locals, &options.locals)) {
    return false;
  }
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
