// The compiler's view of the running Python program.
#pragma once

#include <Python.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

// What the Host needs to know of dispatchers (the objects that `jit` returns). GIL held in all calls.
struct DispatcherHooks {
  bool (*is_dispatcher)(PyObject*);
  PyObject* (*function)(PyObject*); // the Python function; borrowed
  infer::Options (*options)(PyObject*);
};
// Set once, when the module is made; before that there are no dispatchers.
void set_dispatcher_hooks(const DispatcherHooks& hooks);
const DispatcherHooks& dispatcher_hooks();

// All calls may come from any thread without the GIL and take it themselves, but those that say "GIL held". Python's errors become
// Diagnostics.
class PythonHost final : public infer::Host {
public:
  static PythonHost& instance();

  // The same object has the same handle, and is kept for good. GIL held.
  infer::Handle handle_of(PyObject* object);
  // Borrowed; null for 0 and what was never given out. GIL held.
  PyObject* object_of(infer::Handle handle) const;
  // `path`: how another process finds the object (ir::Binding); objects that a module has under their own name get that path instead. GIL
  // held.
  infer::HostValue value_of(PyObject* object, const std::string& path, infer::Dialect dialect = infer::Dialect::kPython);

  // Paths of values begin with "global:0:" or "closure:0:": relative to the function.
  std::optional<infer::HostValue> lookup(infer::Handle function, const std::string& name) override;
  std::optional<infer::HostValue> attribute(const infer::HostValue& object, const std::string& name) override;
  // Of a dispatcher, or of a plain function, which gets the options' defaults.
  std::shared_ptr<const infer::HostFunction> function(infer::Handle callable) override;
  std::shared_ptr<const infer::HostUfunc> ufunc(infer::Handle handle) override;
  infer::Handle overload(infer::Handle callable, const std::vector<ir::TypeRef>& positional,
                         const std::vector<std::pair<std::string, ir::TypeRef>>& keywords) override;
  ir::TypeRef parse_signature_type(const std::string& text) override;

private:
  PythonHost();
  ~PythonHost() override;

  struct State;
  std::unique_ptr<State> state_;
};

// hook(callable, types, names) → a dispatcher that stands for the callable on these types, or None. The last types are those of arguments
// with these names. None in place of the hook: there are no such functions. GIL held.
void set_overload_hook(nanobind::object hook);

// The object that a path of ir::Binding names: "builtins:ValueError", "numpy:linalg.LinAlgError", "global:<n>:NAME.attr",
// "closure:<n>:NAME", "default:<n>:PARAMETER", each with ".attr" and "[index]" behind. `function`: the Python function that <n> stands for;
// may be null where the path begins with a module. Throws Diagnostic where there is no such thing. GIL held.
nanobind::object resolve_path(PyObject* function, std::string_view path);

} // namespace hasten::bindings
