#include "hasten/bindings/numpy_services.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "hasten/array/kernels/blas.h"
#include "hasten/array/kernels/random.h"
#include "hasten/bindings/made_once.h"
#include "hasten/bindings/numpy_bridge.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

// RandomState keeps the second number of a pair of normal ones to itself, in a struct inside the object: { bitgen_t*, int has_gauss, double
// gauss }. Where it lies is found by drawing one from a fresh RandomState and looking for the number that get_state() says it kept.
std::optional<Py_ssize_t> find_gauss_offset() {
  const nb::object type = nb::module_::import_("numpy.random").attr("RandomState");
  const nb::object fresh = type(20240229);
  fresh.attr("standard_normal")();
  const nb::object state = fresh.attr("get_state")(nb::arg("legacy") = false);
  const auto kept = nb::cast<double>(state["gauss"]);
  const auto size = nb::cast<Py_ssize_t>(type.attr("__basicsize__"));
  const char* memory = reinterpret_cast<const char*>(fresh.ptr());
  std::optional<Py_ssize_t> found;
  for (Py_ssize_t at = sizeof(PyObject) + 8; at + 8 <= size; at += 8) {
    double number = 0;
    int32_t flag = 0;
    std::memcpy(&number, memory + at, sizeof number);
    std::memcpy(&flag, memory + at - 8, sizeof flag);
    if (std::bit_cast<uint64_t>(number) == std::bit_cast<uint64_t>(kept) && flag == 1) {
      if (found) {
        return std::nullopt; // not unique: better not to guess
      }
      found = at;
    }
  }
  return found;
}

// numpy.random's functions are methods of one RandomState, whose bit generator may be exchanged.
struct NumpyRandom {
  nb::object random_state;
  std::optional<Py_ssize_t> gauss_offset;
};

const NumpyRandom& numpy_random() {
  static constinit MadeOnce<NumpyRandom> random;
  return random.get([] {
    return std::make_unique<NumpyRandom>(NumpyRandom{nb::module_::import_("numpy.random.mtrand").attr("_rand"), find_gauss_offset()});
  });
}

} // namespace

void prepare_numpy_services(const std::vector<std::string>& symbols) {
  static bool done = false;
  const bool wanted = std::any_of(symbols.begin(), symbols.end(),
                                  [](const std::string& s) { return starts_with(s, "hst_dot_") || starts_with(s, "hst_matmul_"); });
  if (!wanted || done) {
    return;
  }
  done = true;
  if (const auto table = array::find_blas(numpy_library("numpy._core._multiarray_umath").c_str())) {
    array::set_blas_table(*table);
  }
}

bool draws_random(const std::vector<std::string>& symbols) {
  return std::any_of(symbols.begin(), symbols.end(), [](const std::string& s) { return starts_with(s, "hst_random_"); });
}

RandomStream::RandomStream() {
  try {
    const NumpyRandom& random = numpy_random();
    auto* state = static_cast<array::TwisterState*>(legacy_random_state());
    if (state == nullptr || !random.gauss_offset) {
      open_ = true; // another bit generator: kernels draw from a generator of their own
      return;
    }
    lock_ = random.random_state.attr("_bit_generator").attr("lock");
    lock_.attr("acquire")();
    char* memory = reinterpret_cast<char*>(random.random_state.ptr());
    array::LegacyGenerator generator;
    generator.state = state;
    generator.gauss = reinterpret_cast<double*>(memory + *random.gauss_offset);
    generator.has_gauss = reinterpret_cast<int32_t*>(memory + *random.gauss_offset - 8);
    array::set_legacy_generator(generator);
    open_ = true;
  } catch (nb::python_error& error) {
    lock_.reset();
    error.restore();
  }
}

RandomStream::~RandomStream() {
  if (!lock_.is_valid()) {
    return;
  }
  const nb::error_scope keep_error;
  lock_.attr("release")();
}

} // namespace hasten::bindings
