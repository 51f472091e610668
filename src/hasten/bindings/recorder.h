// A Host that remembers what it was asked while one function was compiled: the names whose values became part of the code.
//
// Used by one compiling thread at a time. Made and destroyed under the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "hasten/bindings/guards.h"
#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

class RecordingHost final : public infer::Host {
public:
  // `function`: the one that is compiled.
  RecordingHost(infer::Host& host, infer::Handle function) : host_(host), functions_{function} {}

  std::optional<infer::HostValue> lookup(infer::Handle function, const std::string& name) override;
  std::optional<infer::HostValue> attribute(const infer::HostValue& object, const std::string& name) override;
  std::shared_ptr<const infer::HostFunction> function(infer::Handle callable) override;
  ir::TypeRef parse_signature_type(const std::string& text) override;

  // What holds as long as the code is right. Needs the GIL.
  Guards guards() const;
  // The functions whose names were looked up. Paths of values ("global:<n>:NAME") count in this list; the compiled function is 0.
  const std::vector<infer::Handle>& functions() const { return functions_; }

private:
  // A name in a dict (the globals of a function or module, the attributes of an object or class) or, without a name, in a closure cell.
  struct Read {
    nb::object space;
    nb::str name;
    Expected expected;
  };

  void add(const nb::object& space, const nb::str& name, const Expected& expected);
  // Whether the dict has the name.
  bool add_item(const nb::object& names, const nb::str& name);
  void add_class_attribute(PyTypeObject* type, const nb::str& name);
  void record_name(infer::Handle function, const std::string& name);
  void record_attribute(const infer::HostValue& object, const std::string& name);

  // Paths that the Host counts from the function alone, counted in `functions_`.
  void number_paths(infer::Handle function, infer::HostValue* value);
  size_t index_of(infer::Handle function);

  infer::Host& host_;
  std::vector<infer::Handle> functions_;
  std::vector<Read> reads_;
};

} // namespace hasten::bindings
