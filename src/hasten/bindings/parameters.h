// How the arguments of a call find the parameters of a function: Python's rules.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

namespace hasten::bindings {

namespace nb = nanobind;

// The values for all parameters, in the order of the source: positional ones, *args as a tuple, keyword-only ones, **kwargs as a dict.
// Most are borrowed from the caller or the defaults; `owned` keeps what was made for this call.
struct BoundArguments {
  PyObject** values;
  nb::object rest;     // *args
  nb::object keywords; // **kwargs
};

// The signature of a Python function. Immutable; needs the GIL.
class Parameters {
public:
  Parameters() = default;
  explicit Parameters(PyObject* function);

  // How many values a call binds.
  int count() const { return count_; }
  // Where a call without keywords that gives so many arguments needs no binding at all; -1: never.
  Py_ssize_t simple_count() const { return simple_count_; }
  nb::str name(int parameter) const { return names_[static_cast<size_t>(parameter)]; }

  // False where the arguments don't fit, without an exception. `bound->values` has room for count() values.
  bool bind(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, BoundArguments* bound) const;

  // numba's sentence for a call that doesn't fit; sets TypeError.
  void explain_as_numba(Py_ssize_t nargs, PyObject* kwnames) const;

  int traverse(visitproc visit, void* arg) const;

private:
  // The parameter that a keyword may name; -1: none.
  int find_keyword(PyObject* name) const;
  bool bind_keywords(PyObject* const* values, PyObject* kwnames, BoundArguments* bound) const;
  bool fill_defaults(BoundArguments* bound) const;

  int positional_only_ = 0;
  int positional_ = 0; // with the positional-only ones
  int rest_ = -1;      // the index of *args
  int keywords_ = -1;  // the index of **kwargs
  int count_ = 0;
  Py_ssize_t simple_count_ = -1;
  std::vector<nb::str> names_;
  std::vector<nb::object> defaults_; // by parameter; invalid where there is none
};

} // namespace hasten::bindings
