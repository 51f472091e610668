#include "hasten/bindings/recorder.h"

#include <algorithm>

#include "hasten/bindings/function_parts.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/host_values.h"
#include "hasten/bindings/value_digest.h"

namespace hasten::bindings {
namespace {

// Borrowed; null where the dict has no such name.
PyObject* item(const nb::object& names, const nb::str& name) {
  PyObject* value = PyDict_GetItemWithError(names.ptr(), name.ptr());
  if (value == nullptr && PyErr_Occurred() != nullptr) {
    nb::raise_python_error();
  }
  return value;
}

nb::str interned(const char* text) { return nb::steal<nb::str>(PyUnicode_InternFromString(text)); }

nb::object class_dict(PyTypeObject* type) {
#if PY_VERSION_HEX >= 0x030C0000
  return nb::steal(PyType_GetDict(type));
#else
  return nb::borrow(type->tp_dict);
#endif
}

} // namespace

// ---------------------------------------------------------------- what must stay as it is

void RecordingHost::add_read(const nb::object& space, const nb::str& name, const Expected& expected) {
  const bool known = std::any_of(reads_.begin(), reads_.end(), [&](const Read& read) {
    return read.space.is(space) && read.name.is(name) && read.expected.value.is(expected.value);
  });
  if (!known) {
    reads_.push_back({space, name, expected});
  }
}

bool RecordingHost::add_item(const nb::object& names, const nb::str& name) {
  PyObject* value = item(names, name);
  add_read(names, name, {nb::borrow(value), {}});
  return value != nullptr;
}

void RecordingHost::add_class_attribute(PyTypeObject* type, const nb::str& name) {
  const auto bases = nb::borrow<nb::tuple>(type->tp_mro);
  for (const nb::handle base : bases) {
    if (add_item(class_dict(reinterpret_cast<PyTypeObject*>(base.ptr())), name)) {
      return;
    }
  }
}

void RecordingHost::add_attribute_reads(PyObject* owner, const nb::str& name) {
  if (PyType_Check(owner)) {
    add_class_attribute(reinterpret_cast<PyTypeObject*>(owner), name);
    return;
  }
  const nb::object names = nb::steal(PyObject_GenericGetDict(owner, nullptr));
  PyErr_Clear(); // objects with slots have no dict
  if (!PyModule_Check(owner)) {
    add_class_attribute(Py_TYPE(owner), name);
  }
  if (names.is_valid()) {
    add_item(names, name);
  }
}

Guards RecordingHost::guards() const {
  Guards guards;
  for (const Read& read : reads_) {
    if (PyCell_Check(read.space.ptr())) {
      guards.add_cell(read.space, read.expected);
    } else {
      guards.add_name(nb::borrow<nb::dict>(read.space), read.name, read.expected);
    }
  }
  return guards;
}

// ---------------------------------------------------------------- questions

void RecordingHost::add_answer(Question question, const nb::object& value) {
  const bool known = std::any_of(answers_.begin(), answers_.end(),
                                 [&](const Answer& answer) { return answer.question == question && answer.value.is(value); });
  if (!known) {
    answers_.push_back({std::move(question), value});
  }
}

void RecordingHost::ask_name(infer::Handle handle, const std::string& name) {
  PyObject* callable = PythonHost::instance().object_of(handle);
  PyObject* function = function_behind(callable);
  const nb::str key = interned(name.c_str());
  PyObject* cell = closure_cell(function, key.ptr());
  const nb::object space = nb::borrow(cell != nullptr ? cell : PyFunction_GetGlobals(function));
  PyObject* value = cell != nullptr ? PyCell_GET(cell) : item(space, key);
  const bool is_own_name = value == function || (value == nullptr && nb::str(nb::handle(function).attr("__name__")).equal(key));
  const Expected expected{nb::borrow(is_own_name ? callable : value), is_own_name ? nb::borrow(function) : nb::object()};
  add_read(space, cell != nullptr ? nb::str() : key, expected);

  nb::object meaning = expected.value;
  if (!meaning.is_valid() && cell == nullptr) {
    meaning = nb::borrow(item(nb::borrow(reinterpret_cast<PyFunctionObject*>(function)->func_builtins), key));
  }
  add_answer({Asked::kName, static_cast<uint32_t>(index_of(handle)), {}, name}, meaning);
}

void RecordingHost::ask_attribute(PyObject* owner, const std::string& name) {
  const nb::str key = interned(name.c_str());
  add_attribute_reads(owner, key);
  const nb::object value = nb::steal(PyObject_GetAttr(owner, key.ptr()));
  PyErr_Clear();
  if (PyModule_Check(owner)) {
    const char* module = PyModule_GetName(owner);
    PyErr_Clear();
    is_repeatable_ = is_repeatable_ && module != nullptr;
    add_answer({Asked::kModuleAttribute, 0, module != nullptr ? module : "", name}, value);
    return;
  }
  const auto origin = std::find_if(answers_.begin(), answers_.end(), [&](const Answer& answer) { return answer.value.ptr() == owner; });
  is_repeatable_ = is_repeatable_ && origin != answers_.end();
  add_answer({Asked::kAttribute, static_cast<uint32_t>(origin - answers_.begin()), {}, name}, value);
}

std::optional<Questions> RecordingHost::questions() const {
  Questions questions;
  for (const Answer& answer : answers_) {
    questions.asked.push_back(answer.question);
  }
  for (size_t i = 1; i < functions_.size(); ++i) {
    PyObject* function = PythonHost::instance().object_of(functions_[i]);
    const auto origin =
        std::find_if(answers_.begin(), answers_.end(), [&](const Answer& answer) { return answer.value.ptr() == function; });
    if (origin == answers_.end()) {
      return std::nullopt;
    }
    questions.origins.push_back(static_cast<uint32_t>(origin - answers_.begin()));
  }
  return is_repeatable_ ? std::optional(std::move(questions)) : std::nullopt;
}

bool RecordingHost::ask_again(const Question& question) {
  switch (question.what) {
  case Asked::kName:
    if (question.owner >= functions_.size()) {
      return false;
    }
    ask_name(functions_[question.owner], question.name);
    return true;
  case Asked::kModuleAttribute: {
    PyObject* module = item(nb::borrow(PyImport_GetModuleDict()), interned(question.module.c_str()));
    if (module == nullptr || !PyModule_Check(module)) {
      return false;
    }
    ask_attribute(module, question.name);
    return true;
  }
  case Asked::kAttribute:
    if (question.owner >= answers_.size() || !answers_[question.owner].value.is_valid()) {
      return false;
    }
    ask_attribute(nb::object(answers_[question.owner].value).ptr(), question.name);
    return true;
  }
  return false;
}

bool RecordingHost::ask(const Questions& questions) {
  for (size_t i = 0; i < questions.asked.size(); ++i) {
    if (!ask_again(questions.asked[i]) || answers_.size() != i + 1) {
      return false;
    }
    const nb::object value = answers_.back().value;
    while (functions_.size() <= questions.origins.size() && questions.origins[functions_.size() - 1] == i) {
      if (!value.is_valid() || function_behind(value.ptr()) == nullptr) {
        return false;
      }
      functions_.push_back(PythonHost::instance().handle_of(value.ptr()));
    }
  }
  return functions_.size() == questions.origins.size() + 1;
}

std::optional<base::Digest> RecordingHost::answers() const {
  base::FieldHasher hash;
  for (const auto& [question, value] : answers_) {
    hash.add(static_cast<uint64_t>(question.what)).add(uint64_t{question.owner}).add(question.module).add(question.name);
    hash.add(uint64_t{value.is_valid()});
    if (value.is_valid() && !add_value(value.ptr(), &hash)) {
      return std::nullopt;
    }
  }
  return hash.finish();
}

// ---------------------------------------------------------------- the Host

size_t RecordingHost::index_of(infer::Handle function) {
  const auto found = std::find(functions_.begin(), functions_.end(), function);
  const auto index = static_cast<size_t>(found - functions_.begin());
  if (found == functions_.end()) {
    functions_.push_back(function);
  }
  return index;
}

void RecordingHost::number_paths(infer::Handle function, infer::HostValue* value) {
  const size_t index = index_of(function);
  for (const char* space : {"global:", "closure:", "default:"}) {
    const std::string own = std::string(space) + "0:";
    if (value->path.compare(0, own.size(), own) == 0) {
      value->path.replace(0, own.size(), space + std::to_string(index) + ":");
      break;
    }
  }
  for (infer::HostValue& item : value->items) {
    number_paths(function, &item);
  }
}

std::optional<infer::HostValue> RecordingHost::lookup(infer::Handle function, const std::string& name) {
  const WithGil gil; // so that what is recorded is what is found
  ask_name(function, name);
  std::optional<infer::HostValue> value = host_.lookup(function, name);
  if (value) {
    number_paths(function, &*value);
  }
  return value;
}

std::optional<infer::HostValue> RecordingHost::attribute(const infer::HostValue& object, const std::string& name) {
  const WithGil gil;
  if (PyObject* owner = PythonHost::instance().object_of(object.handle)) {
    ask_attribute(owner, name);
  }
  return host_.attribute(object, name);
}

std::shared_ptr<const infer::HostFunction> RecordingHost::function(infer::Handle callable) {
  const auto function = host_.function(callable);
  auto numbered = std::make_shared<infer::HostFunction>(*function);
  for (infer::ParameterInfo& parameter : numbered->parameters) {
    if (parameter.default_value) {
      number_paths(callable, &*parameter.default_value);
    }
  }
  return numbered;
}

// What a program declares while it runs can't be asked of another process.
infer::Handle RecordingHost::overload(infer::Handle callable, const std::vector<ir::TypeRef>& positional,
                                      const std::vector<std::pair<std::string, ir::TypeRef>>& keywords) {
  const infer::Handle found = host_.overload(callable, positional, keywords);
  is_repeatable_ = is_repeatable_ && found == 0;
  return found;
}

ir::TypeRef RecordingHost::parse_signature_type(const std::string& text) { return host_.parse_signature_type(text); }

} // namespace hasten::bindings
