#include "hasten/bindings/numpy_bridge.h"

#include <nanobind/nanobind.h>
#include <numpy/random/bitgen.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "hasten/abi/slots.h"
#include "hasten/base/diagnostic.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

constexpr std::string_view kPrefix = "npy_loop.";

// Functions whose loops compute and do nothing else. Not among them: the loops of numpy.linalg, which tell of a singular matrix by the
// floating-point status alone, and those of numpy.fft, which set MemoryError.
constexpr std::string_view kPlain[] = {
    "absolute",    "add",           "arccos",      "arccosh",      "arcsin",     "arcsinh",     "arctan",    "arctan2",  "arctanh",
    "bitwise_and", "bitwise_count", "bitwise_or",  "bitwise_xor",  "cbrt",       "ceil",        "conjugate", "copysign", "cos",
    "cosh",        "deg2rad",       "degrees",     "divide",       "divmod",     "equal",       "exp",       "exp2",     "expm1",
    "fabs",        "float_power",   "floor",       "floor_divide", "fmax",       "fmin",        "fmod",      "frexp",    "gcd",
    "greater",     "greater_equal", "heaviside",   "hypot",        "invert",     "isfinite",    "isinf",     "isnan",    "isnat",
    "lcm",         "ldexp",         "left_shift",  "less",         "less_equal", "log",         "log10",     "log1p",    "log2",
    "logaddexp",   "logaddexp2",    "logical_and", "logical_not",  "logical_or", "logical_xor", "matmul",    "matvec",   "maximum",
    "minimum",     "modf",          "multiply",    "negative",     "nextafter",  "not_equal",   "positive",  "power",    "rad2deg",
    "radians",     "reciprocal",    "remainder",   "right_shift",  "rint",       "sign",        "signbit",   "sin",      "sinh",
    "spacing",     "sqrt",          "square",      "subtract",     "tan",        "tanh",        "trunc",     "vecdot",   "vecmat"};

constexpr std::string_view kIntegers = "bBhHiIlLqQ";
constexpr std::string_view kKnownTypes = "?bBhHiIlLqQefdFDmM";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// long and long long are the same for us.
char canonical_type(char type) { return type == 'q' ? 'l' : type == 'Q' ? 'L' : type; }

nb::object attribute(const nb::object& object, const char* name) {
  nb::object found = nb::steal(object.is_valid() ? PyObject_GetAttrString(object.ptr(), name) : nullptr);
  PyErr_Clear();
  return found;
}

nb::object module_named(const char* name) {
  nb::object module = nb::steal(PyImport_ImportModule(name));
  PyErr_Clear();
  return module;
}

// The row of the ufunc's table for these types; -1: none.
int find_loop(const PyUFuncObject* ufunc, std::string_view types) {
  if (static_cast<int>(types.size()) != ufunc->nargs || ufunc->functions == nullptr) {
    return -1;
  }
  for (int row = 0; row < ufunc->ntypes; ++row) {
    const char* numbers = ufunc->types + static_cast<ptrdiff_t>(row) * ufunc->nargs;
    bool same = true;
    for (int i = 0; same && i < ufunc->nargs; ++i) {
      const nb::object dtype = nb::steal(reinterpret_cast<PyObject*>(PyArray_DescrFromType(numbers[i])));
      same = canonical_type(reinterpret_cast<PyArray_Descr*>(dtype.ptr())->type) == canonical_type(types[static_cast<size_t>(i)]);
    }
    if (same && ufunc->functions[row] != nullptr) {
      return row;
    }
  }
  return -1;
}

abi::NumpyLoop* resolve(std::string_view name, std::string_view types) {
  const WithGil gil;
  import_numpy();
  const nb::object object = attribute(module_named("numpy"), std::string(name).c_str());
  if (!object.is_valid() || !PyObject_TypeCheck(object.ptr(), &PyUFunc_Type)) {
    return nullptr;
  }
  const auto* ufunc = reinterpret_cast<const PyUFuncObject*>(object.ptr());
  const int row = find_loop(ufunc, types);
  if (row < 0) {
    return nullptr;
  }
  object.inc_ref(); // its `data` is used from now on
  static_assert(sizeof(npy_intp) == sizeof(int64_t));
  void* data = ufunc->data == nullptr ? nullptr : const_cast<void*>(ufunc->data[row]);
  return new abi::NumpyLoop{reinterpret_cast<abi::UfuncLoop>(ufunc->functions[row]), data};
}

// Loops that were asked for, found or not, for as long as the process lives.
struct LoopTable {
  std::mutex mutex;
  std::unordered_map<std::string, abi::NumpyLoop*> loops;
};

LoopTable& loop_table() {
  static auto* const table = new LoopTable;
  return *table;
}

bool is_plain(std::string_view ufunc, std::string_view types) {
  if (types.empty() || types.find_first_not_of(kKnownTypes) != std::string_view::npos) {
    return false;
  }
  // A negative exponent sets ValueError.
  if (ufunc == "power" && types.find_first_of(kIntegers) != std::string_view::npos) {
    return false;
  }
  return std::find(std::begin(kPlain), std::end(kPlain), ufunc) != std::end(kPlain);
}

void* find_numpy_loop(std::string_view ufunc, std::string_view types) {
  LoopTable& table = loop_table();
  const std::string key = std::string(ufunc) + "." + std::string(types);
  {
    const std::lock_guard lock(table.mutex);
    const auto known = table.loops.find(key);
    if (known != table.loops.end()) {
      return known->second;
    }
  }
  abi::NumpyLoop* loop = resolve(ufunc, types); // without the lock: it takes the GIL
  const std::lock_guard lock(table.mutex);
  const auto [entry, is_new] = table.loops.emplace(key, loop);
  if (!is_new) {
    delete loop; // another thread was faster
  }
  return entry->second;
}

} // namespace

void* numpy_symbol(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (!starts_with(name, kPrefix) || dot < kPrefix.size()) {
    return nullptr;
  }
  const std::string_view ufunc = name.substr(kPrefix.size(), dot - kPrefix.size());
  const std::string_view types = name.substr(dot + 1);
  return is_plain(ufunc, types) ? find_numpy_loop(ufunc, types) : nullptr;
}

std::string numpy_library(const char* module) {
  const WithGil gil;
  const nb::object file = attribute(module_named(module), "__file__");
  return file.is_valid() ? text_of(file.ptr()) : std::string();
}

void* legacy_random_state() {
  const WithGil gil;
  const nb::object generator = attribute(attribute(module_named("numpy.random.mtrand"), "_rand"), "_bit_generator");
  if (!generator.is_valid() || std::string_view(Py_TYPE(generator.ptr())->tp_name).find("MT19937") == std::string_view::npos) {
    return nullptr;
  }
  const nb::object capsule = attribute(generator, "capsule");
  auto* bits = static_cast<bitgen_t*>(capsule.is_valid() ? PyCapsule_GetPointer(capsule.ptr(), "BitGenerator") : nullptr);
  PyErr_Clear();
  return bits != nullptr ? bits->state : nullptr;
}

} // namespace hasten::bindings
