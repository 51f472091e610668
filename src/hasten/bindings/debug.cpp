#include "hasten/bindings/debug.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdio>
#include <string>

#include "hasten/bindings/compile_memory.h"
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
nb::object lookup_text(nb::handle function, const std::string& path) {
  PythonHost& host = PythonHost::instance();
  size_t end = path.find('.');
  std::optional<infer::HostValue> value = host.lookup(host.handle_of(function.ptr()), path.substr(0, end));
  while (value && end != std::string::npos) {
    const size_t start = end + 1;
    end = path.find('.', start);
    value = host.attribute(*value, path.substr(start, end == std::string::npos ? end : end - start));
  }
  return value ? nb::object(nb::cast(value_text(*value))) : nb::none();
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
  m.def("_debug_syntax", syntax_text, nb::arg("function"), nb::arg("spans") = false);
  m.def("_debug_typeof", type_text, nb::arg("value").none(), nb::arg("dialect") = "python");
  m.def("_debug_typecode", [](nb::handle value) { return type_code(value.ptr()); }, nb::arg("value").none());
  m.def("_debug_signature", signature_text);
  m.def("_debug_lookup", lookup_text);
  m.def("_debug_parameters", parameters_text);
  m.def(
      "_debug_resolve",
      [](nb::handle function, const std::string& path) { return resolve_path(function.is_none() ? nullptr : function.ptr(), path); },
      nb::arg("function").none(), nb::arg("path"));
  m.def("_debug_numpy_loop", [](const std::string& symbol) { return numpy_symbol(symbol) != nullptr; });
}

void add_source_functions(nb::module_& m) {
  install_compile_hook();
  m.def("_remembered_texts", [](const std::string& file, const std::string& word) { return compile_memory().texts(file, word); });
  m.def("_capture_source", [](nb::handle function) { capture_source(function.ptr()); });
  m.def("_export_source", [](nb::handle function) { return nb::steal(export_source(function.ptr())); });
  m.def("_import_source", [](nb::handle function, nb::tuple segment) { import_source(function.ptr(), segment.ptr()); });
}

} // namespace hasten::bindings
