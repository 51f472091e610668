#include "hasten/bindings/parameters.h"

#include <algorithm>

namespace hasten::bindings {
namespace {

// co_varnames holds the arguments first: positional, keyword-only, *args, **kwargs.
struct CodeNames {
  explicit CodeNames(nb::handle code)
      : names(nb::borrow<nb::tuple>(code.attr("co_varnames"))), positional(nb::cast<int>(code.attr("co_argcount"))),
        keyword_only(nb::cast<int>(code.attr("co_kwonlyargcount"))), flags(nb::cast<int>(code.attr("co_flags"))) {}

  nb::str at(int index) const { return nb::borrow<nb::str>(names[static_cast<size_t>(index)]); }

  nb::tuple names;
  int positional;
  int keyword_only;
  int flags;
};

bool same_name(PyObject* a, PyObject* b) { return a == b || PyUnicode_Compare(a, b) == 0; }

} // namespace

Parameters::Parameters(PyObject* function) {
  const nb::handle callable(function);
  const nb::object code = callable.attr("__code__");
  const CodeNames names(code);
  positional_only_ = nb::cast<int>(code.attr("co_posonlyargcount"));
  positional_ = names.positional;
  for (int i = 0; i < positional_; ++i) {
    names_.push_back(names.at(i));
  }
  int next = names.positional + names.keyword_only;
  if ((names.flags & CO_VARARGS) != 0) {
    rest_ = static_cast<int>(names_.size());
    names_.push_back(names.at(next++));
  }
  for (int i = 0; i < names.keyword_only; ++i) {
    names_.push_back(names.at(positional_ + i));
  }
  if ((names.flags & CO_VARKEYWORDS) != 0) {
    keywords_ = static_cast<int>(names_.size());
    names_.push_back(names.at(next));
  }
  count_ = static_cast<int>(names_.size());
  simple_count_ = count_ == positional_ ? positional_ : -1;

  defaults_.resize(names_.size());
  const nb::object positional_defaults = callable.attr("__defaults__");
  if (!positional_defaults.is_none()) {
    const auto values = nb::borrow<nb::tuple>(positional_defaults);
    const size_t first = static_cast<size_t>(positional_) - values.size();
    for (size_t i = 0; i < values.size(); ++i) {
      defaults_[first + i] = nb::object(values[i]);
    }
  }
  const nb::object keyword_defaults = callable.attr("__kwdefaults__");
  if (!keyword_defaults.is_none()) {
    const auto values = nb::borrow<nb::dict>(keyword_defaults);
    for (size_t i = static_cast<size_t>(positional_); i < names_.size(); ++i) {
      if (values.contains(names_[i])) {
        defaults_[i] = nb::object(values[names_[i]]);
      }
    }
  }
}

int Parameters::find_keyword(PyObject* name) const {
  for (int i = positional_only_; i < count_; ++i) {
    if (i != rest_ && i != keywords_ && same_name(names_[static_cast<size_t>(i)].ptr(), name)) {
      return i;
    }
  }
  return -1;
}

bool Parameters::bind_keywords(PyObject* const* values, PyObject* kwnames, BoundArguments* bound) const {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, k);
    const int parameter = find_keyword(name);
    if (parameter >= 0) {
      if (bound->values[parameter] != nullptr) {
        return false;
      }
      bound->values[parameter] = values[k];
    } else if (keywords_ >= 0) {
      bound->keywords[nb::handle(name)] = nb::handle(values[k]);
    } else {
      return false;
    }
  }
  return true;
}

bool Parameters::fill_defaults(BoundArguments* bound) const {
  for (int i = 0; i < count_; ++i) {
    if (bound->values[i] == nullptr) {
      bound->values[i] = defaults_[static_cast<size_t>(i)].ptr();
      if (bound->values[i] == nullptr) {
        return false;
      }
    }
  }
  return true;
}

bool Parameters::bind(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, BoundArguments* bound) const {
  const Py_ssize_t direct = std::min<Py_ssize_t>(nargs, positional_);
  std::copy_n(args, direct, bound->values);
  std::fill(bound->values + direct, bound->values + count_, nullptr);
  if (nargs > positional_ && rest_ < 0) {
    return false;
  }
  if (rest_ >= 0) {
    bound->rest = nb::steal(PyTuple_New(nargs - direct));
    for (Py_ssize_t i = direct; i < nargs; ++i) {
      PyTuple_SET_ITEM(bound->rest.ptr(), i - direct, Py_NewRef(args[i]));
    }
    bound->values[rest_] = bound->rest.ptr();
  }
  if (keywords_ >= 0) {
    bound->keywords = nb::dict();
    bound->values[keywords_] = bound->keywords.ptr();
  }
  return (kwnames == nullptr || bind_keywords(args + nargs, kwnames, bound)) && fill_defaults(bound);
}

void Parameters::explain_as_numba(Py_ssize_t nargs, PyObject* kwnames) const {
  const int named = count_ - (rest_ >= 0 ? 1 : 0);
  const int defaults =
      static_cast<int>(std::count_if(defaults_.begin(), defaults_.end(), [](const nb::object& d) { return d.is_valid(); }));
  const int required = named - defaults;
  const Py_ssize_t given = nargs + (kwnames != nullptr ? PyTuple_GET_SIZE(kwnames) : 0);
  if (rest_ < 0 && given > named) {
    PyErr_Format(PyExc_TypeError, "too many arguments: expected %d, got %zd", named, given);
    return;
  }
  if (given < required) {
    PyErr_Format(PyExc_TypeError, "not enough arguments: expected %s%d, got %zd", defaults > 0 ? "at least " : "", required, given);
    return;
  }
  for (int i = static_cast<int>(nargs); i < count_; ++i) {
    PyObject* name = names_[static_cast<size_t>(i)].ptr();
    const bool is_named = kwnames != nullptr && PySequence_Contains(kwnames, name) == 1;
    if (i != rest_ && !is_named && !defaults_[static_cast<size_t>(i)].is_valid()) {
      PyErr_Format(PyExc_TypeError, "missing argument '%U'", name);
      return;
    }
  }
  PyErr_SetString(PyExc_TypeError, "some keyword arguments unexpected");
}

int Parameters::traverse(visitproc visit, void* arg) const {
  for (const nb::object& value : defaults_) {
    Py_VISIT(value.ptr());
  }
  return 0;
}

} // namespace hasten::bindings
