// The values of globals and closure cells that code was compiled for. They are part of the code: where one has changed, the code is not
// called.
//
// All functions need the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

namespace hasten::bindings {

namespace nb = nanobind;

// Whether code compiled for the value `a` is right for `b`: the same object, or equal immutable scalars, strings and tuples of them (bit
// for bit: 0.0 is not -0.0, 1 is not True).
bool is_same_value(PyObject* a, PyObject* b);

// What a name must mean. `value` invalid: the name was absent (a builtin stood for it).
struct Expected {
  nb::object value;
  // Valid where a function that is still being decorated read its own name, which then meant nothing yet, or this undecorated function:
  // both are as good as the value.
  nb::object undecorated;

  bool is_met_by(PyObject* current) const {
    return current == value.ptr() || is_same_value(value.ptr(), current) ||
           (undecorated.is_valid() && (current == nullptr || current == undecorated.ptr()));
  }
  int traverse(visitproc visit, void* arg) const;
};

class Guards {
public:
  void add_name(nb::dict names, nb::str name, Expected expected);
  void add_cell(nb::object cell, Expected expected);

  // Whether all values still are what they were. Where nobody wrote to the namespaces since the last time, this compares one number for
  // each.
  bool hold() {
    for (DictWatch& watch : dicts_) {
      if (!is_untouched(watch) && !compare(watch)) [[unlikely]] {
        return false;
      }
    }
    return cells_.empty() || cells_hold();
  }

  int traverse(visitproc visit, void* arg) const;

private:
  struct Entry {
    nb::str name;
    Expected expected;
  };
  struct DictWatch {
    nb::dict names;
    uint64_t version = 0;
    std::vector<Entry> entries;
  };
  struct CellWatch {
    nb::object cell;
    Expected expected;
  };

  // A dict's number changes with every write to it. Python 3.14 has no such number any more: there the values are compared in each call.
  static uint64_t version_of(const nb::dict& names) {
#if PY_VERSION_HEX < 0x030E0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return reinterpret_cast<PyDictObject*>(names.ptr())->ma_version_tag;
#pragma GCC diagnostic pop
#else
    (void)names;
    return 0;
#endif
  }
  static bool is_untouched(const DictWatch& watch) { return watch.version != 0 && watch.version == version_of(watch.names); }
  static bool compare(DictWatch& watch);
  bool cells_hold() const;

  std::vector<DictWatch> dicts_;
  std::vector<CellWatch> cells_;
};

} // namespace hasten::bindings
