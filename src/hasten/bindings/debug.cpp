#include "hasten/bindings/debug.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstdio>
#include <optional>
#include <string>

#include "hasten/bindings/host.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/source.h"
#include "hasten/bindings/type_of.h"
#include "hasten/bindings/type_text.h"
#include "hasten/compiler/syntax/printer.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

infer::Dialect dialect_named(const std::string& name) {
  if (name != "python" && name != "numba") {
    throw nb::value_error("the dialect is 'python' or 'numba'");
  }
  return name == "numba" ? infer::Dialect::kNumba : infer::Dialect::kPython;
}

std::string constant_text(const ir::Constant& constant) {
  char text[80];
  switch (constant.type->kind) {
  case ir::Kind::kFloat:
    std::snprintf(text, sizeof text, "%.17g", constant.re);
    return text;
  case ir::Kind::kComplex:
    std::snprintf(text, sizeof text, "%.17g,%.17g", constant.re, constant.im);
    return text;
  default:
    return constant.type == ir::scalar_type(array::DType::kUInt64) ? std::to_string(static_cast<uint64_t>(constant.i))
                                                                   : std::to_string(constant.i);
  }
}

// "type [= constant] @ path"; numbers of handles differ from run to run and are left out.
std::string value_text(const infer::HostValue& value) {
  std::string text = value.type->kind == ir::Kind::kNamed ? value.type->name : value.type->text;
  for (const char* prefix : {"callable:", "exception:", "host:"}) {
    if (ir::is_named(value.type, prefix)) {
      text = std::string(prefix) + "*";
    }
  }
  if (value.constant.type != nullptr) {
    text += " = " + constant_text(value.constant);
  }
  for (const infer::HostValue& item : value.items) {
    text += " (" + value_text(item) + ")";
  }
  return text + (value.path.empty() ? "" : " @ " + value.path);
}

std::string syntax_text(nb::handle function, bool spans) { return syntax::to_text(source_of(function.ptr())->function, spans); }

std::string type_text(nb::handle value, const std::string& dialect) { return type_of(value.ptr(), dialect_named(dialect))->text; }

std::string signature_text(const std::string& text) {
  const Signature signature = parse_signature_text(text);
  std::string out = signature.result == nullptr ? "?" : signature.result->text;
  for (ir::TypeRef argument : signature.arguments) {
    out += ", " + argument->text;
  }
  return out;
}

// `path`: a name that the function reads, and attributes of it: "np.linalg.norm". None where it means nothing.
std::optional<std::string> lookup_text(nb::handle function, const std::string& path) {
  PythonHost& host = PythonHost::instance();
  size_t end = path.find('.');
  std::optional<infer::HostValue> value = host.lookup(host.handle_of(function.ptr()), path.substr(0, end));
  while (value && end != std::string::npos) {
    const size_t start = end + 1;
    end = path.find('.', start);
    value = host.attribute(*value, path.substr(start, end == std::string::npos ? end : end - start));
  }
  return value ? std::optional(value_text(*value)) : std::nullopt;
}

// The parameters of a function with their defaults, as inference gets them.
std::string parameters_text(nb::handle function) {
  PythonHost& host = PythonHost::instance();
  std::string out;
  for (const infer::ParameterInfo& parameter : host.function(host.handle_of(function.ptr()))->parameters) {
    out += (out.empty() ? "" : "; ") + parameter.name;
    if (parameter.default_value) {
      out += ": " + value_text(*parameter.default_value);
    }
  }
  return out;
}

} // namespace

void add_debugging(nb::module_& m) {
  m.def("debug_syntax", syntax_text, nb::arg("function"), nb::arg("spans") = false, "Return a function's syntax tree as text.");
  m.def("debug_typeof", type_text, nb::arg("value").none(), nb::arg("dialect") = "python", "Return the spelling of a value's type.");
  m.def(
      "debug_typecode", [](nb::handle value) { return type_code(value.ptr()); }, nb::arg("value").none(),
      "Return the number that stands for a value's type; 0: it has none.");
  m.def("debug_signature", signature_text, nb::arg("text"), "Return the spellings of a signature's types, the result's first.");
  m.def("debug_lookup", lookup_text, nb::arg("function"), nb::arg("path"),
        "Return what compiled code would find under a name of a function's, attributes behind dots.");
  m.def("debug_parameters", parameters_text, nb::arg("function"), "Return a function's parameters with their defaults.");
  m.def(
      "debug_resolve",
      [](nb::handle function, const std::string& path) { return resolve_path(function.is_none() ? nullptr : function.ptr(), path); },
      nb::arg("function").none(), nb::arg("path"), "Return the object that a path of ir::Binding names.");
  m.def(
      "debug_numpy_loop", [](const std::string& symbol) { return numpy_symbol(symbol) != nullptr; }, nb::arg("symbol"),
      "Tell whether compiled code may call one of NumPy's inner loops.");
}

} // namespace hasten::bindings
