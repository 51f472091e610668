// A Host that remembers what it was asked while one function was compiled: the names whose values became part of the code.
//
// Used by one compiling thread at a time. Made and destroyed under the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hasten/base/digest.h"
#include "hasten/bindings/cache_entry.h"
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
  std::shared_ptr<const infer::HostUfunc> ufunc(infer::Handle handle) override { return host_.ufunc(handle); }
  infer::Handle overload(infer::Handle callable, const std::vector<ir::TypeRef>& positional,
                         const std::vector<std::pair<std::string, ir::TypeRef>>& keywords) override;
  ir::TypeRef parse_signature_type(const std::string& text) override;

  // What holds as long as the code is right. Needs the GIL.
  Guards guards() const;
  // The functions whose names were looked up. Paths of values ("global:<n>:NAME") count in this list; the compiled function is 0.
  const std::vector<infer::Handle>& functions() const { return functions_; }

  // What was asked. Nothing where another process could not ask it again. Needs the GIL.
  std::optional<Questions> questions() const;
  // Asks in place of a compilation, before anything else was asked. False where that can't be. Needs the GIL.
  bool ask(const Questions& questions);
  // A digest of all answers so far. Nothing where one of them has none. Needs the GIL.
  std::optional<base::Digest> answers() const;

private:
  // A name in a dict (the globals of a function or module, the attributes of an object or class) or, without a name, in a closure cell.
  struct Read {
    nb::object space;
    nb::str name;
    Expected expected;
  };
  struct Answer {
    Question question;
    nb::object value; // invalid: there is none
  };

  void add_read(const nb::object& space, const nb::str& name, const Expected& expected);
  // Whether the dict has the name.
  bool add_item(const nb::object& names, const nb::str& name);
  void add_class_attribute(PyTypeObject* type, const nb::str& name);
  void add_attribute_reads(PyObject* owner, const nb::str& name);
  void add_answer(Question question, const nb::object& value);
  void ask_name(infer::Handle function, const std::string& name);
  void ask_attribute(PyObject* owner, const std::string& name);
  bool ask_again(const Question& question);
  // Paths that the Host counts from the function alone, counted in `functions_`.
  void number_paths(infer::Handle function, infer::HostValue* value);
  size_t index_of(infer::Handle function);

  infer::Host& host_;
  std::vector<infer::Handle> functions_;
  std::vector<Read> reads_;
  std::vector<Answer> answers_;
  bool is_repeatable_ = true; // false: a question can't be put in words
};

} // namespace hasten::bindings
