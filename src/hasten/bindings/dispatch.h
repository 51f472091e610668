// What one dispatcher knows: the function, its options, its code, and which of it fits which call.
//
// Needs the GIL throughout.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "hasten/bindings/dispatcher_options.h"
#include "hasten/bindings/engine.h"
#include "hasten/bindings/parameters.h"
#include "hasten/bindings/specialisation.h"
#include "hasten/bindings/type_of.h"

namespace hasten::bindings {

class Dispatch {
public:
  // `self` is the Python object that this belongs to; borrowed.
  Dispatch(PyObject* self, const DispatcherOptions& options);

  PyObject* call(PyObject* const* args, size_t nargsf, PyObject* kwnames);

  // Compiles for these types. Throws as `specialise` does.
  void compile(const std::vector<ir::TypeRef>& arguments, ir::TypeRef result);
  // Compiles for the types of these arguments, and calls nothing.
  void compile_for(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
  // Compiles what there is once more, with the values that globals have now.
  void recompile();
  void set_can_compile(bool can) { can_compile_ = can; }
  bool can_compile() const { return can_compile_; }

  PyObject* function() const { return function_.ptr(); }
  const infer::Options& options() const { return options_; }
  bool is_cached() const { return cache_; }
  const std::vector<std::shared_ptr<Specialisation>>& compiled() const { return compiled_; }

  int traverse(visitproc visit, void* arg) const;
  // Lets go of all Python objects but the function's name; calls fail from then on.
  void clear();

private:
  using Types = std::vector<ir::TypeRef>;
  using Code = std::shared_ptr<Specialisation>;
  struct Call { // as it came
    PyObject* const* args;
    Py_ssize_t nargs;
    PyObject* kwnames;
  };

  PyObject* call_bound(PyObject* const* values, const Call& call);
  PyObject* bind_and_call(const Call& call);
  // Sets TypeError: the arguments don't fit the parameters.
  void refuse(const Call& call) const;

  uint64_t code_of(PyObject* value) const {
    const uint64_t code = type_code(value);
    return code != 0 ? code : code_of_type(value);
  }
  uint64_t code_of_type(PyObject* value) const;
  bool fits(const Route& route, PyObject* const* values) const {
    for (size_t i = 0; i < route.codes.size(); ++i) {
      if (code_of(values[i]) != route.codes[i]) {
        return false;
      }
    }
    return true;
  }
  static bool is_current(const Route& route) { return route.code == nullptr || route.code->is_current(); }

  PyObject* interpret(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
  Route& find_route(PyObject* const* values);
  Route& new_route(PyObject* const* values, std::vector<uint64_t> codes, size_t hash);
  Types types_of(PyObject* const* values) const;
  ir::TypeRef type_of_argument(PyObject* value) const;
  Code compiled_code(const Types& types);
  Code converting_code(const Types& types);
  Code adopt(Code code);
  Code compile_code(const Types& types, ir::TypeRef result);
  void forget_versions(const Types& types);
  void retire(const Specialisation* code);
  void sweep();

  PyObject* self_;
  nb::object function_;
  Parameters parameters_;
  infer::Options options_;
  bool cache_; // on disk
  bool gradual_;
  bool can_compile_ = true;
  bool interpret_;         // forceobj: every call is one of the Python function
  nb::object interpreted_; // that function with its loops lifted; null before the first call
  Route* last_ = nullptr;
  std::unordered_multimap<size_t, std::unique_ptr<Route>> routes_; // by the hash of the codes
  std::vector<std::unique_ptr<Route>> retired_;                    // can't be found any more, but are running
  std::vector<Code> compiled_;
  bool warned_ = false;
};

// What plain `jit` calls where the whole function can't be compiled: hook(dispatcher, exception) returns what is called in place of native
// code, for arguments of these types. Null: the exception is raised.
void set_gradual_hook(nb::object hook);

} // namespace hasten::bindings
