#include "hasten/bindings/source.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/ast_to_syntax.h"
#include "hasten/bindings/compile_memory.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// What hangs at a code object.
struct Known {
  nb::object source; // hasten._source.Source
  std::shared_ptr<const syntax::Source> tree;
};

void forget(void* known) { delete static_cast<Known*>(known); }

Py_ssize_t extra_index() {
#if PY_VERSION_HEX >= 0x030C0000
  static const Py_ssize_t kIndex = PyUnstable_Eval_RequestCodeExtraIndex(forget);
#else
  static const Py_ssize_t kIndex = _PyEval_RequestCodeExtraIndex(forget);
#endif
  return kIndex;
}

bool get_extra(PyObject* code, void** extra) {
#if PY_VERSION_HEX >= 0x030C0000
  return PyUnstable_Code_GetExtra(code, extra_index(), extra) == 0;
#else
  return _PyCode_GetExtra(code, extra_index(), extra) == 0;
#endif
}

bool set_extra(PyObject* code, void* extra) {
#if PY_VERSION_HEX >= 0x030C0000
  return PyUnstable_Code_SetExtra(code, extra_index(), extra) == 0;
#else
  return _PyCode_SetExtra(code, extra_index(), extra) == 0;
#endif
}

PyObject* code_of(PyObject* function) {
  if (!PyFunction_Check(function)) {
    throw base::Diagnostic(base::Fault::kUser, std::string("only Python functions can be compiled, not ") + Py_TYPE(function)->tp_name,
                           "Write a function with def or lambda around it.");
  }
  return PyFunction_GetCode(function);
}

nb::object call(PyObject* callable, PyObject* argument, const char* what) {
  nb::object result = nb::steal(PyObject_CallOneArg(callable, argument));
  if (!result.is_valid()) {
    throw diagnostic_of_python_error(what);
  }
  return result;
}

nb::object helper(const char* name) {
  const nb::object module = nb::steal(PyImport_ImportModule("hasten._source"));
  nb::object found = nb::steal(module.is_valid() ? PyObject_GetAttrString(module.ptr(), name) : nullptr);
  if (!found.is_valid()) {
    throw diagnostic_of_python_error("hasten._source can't be imported");
  }
  return found;
}

Known& attach(PyObject* code, nb::object source) {
  auto known = std::make_unique<Known>();
  known->source = std::move(source);
  if (!set_extra(code, known.get())) {
    throw diagnostic_of_python_error("the source can't be kept");
  }
  return *known.release();
}

Known& known_of(PyObject* function) {
  PyObject* code = code_of(function);
  void* extra = nullptr;
  if (!get_extra(code, &extra)) {
    throw diagnostic_of_python_error("the source can't be looked up");
  }
  if (extra != nullptr) {
    return *static_cast<Known*>(extra);
  }
  return attach(code, call(helper("capture").ptr(), function, "the source can't be captured"));
}

// The error that hasten._source raised: SourceError(message, way_out), or one of Python's own while it parsed.
base::Diagnostic source_diagnostic(PyObject* code) {
  PyObject* error[3];
  PyErr_Fetch(&error[0], &error[1], &error[2]);
  PyErr_NormalizeException(&error[0], &error[1], &error[2]);
  const nb::object type = helper("SourceError");
  if (PyErr_GivenExceptionMatches(error[0], type.ptr()) == 0) {
    PyErr_Restore(error[0], error[1], error[2]);
    return diagnostic_of_python_error("the source of " + text_of(reinterpret_cast<PyCodeObject*>(code)->co_qualname) + " can't be parsed");
  }
  const nb::object owned[] = {nb::steal(error[0]), nb::steal(error[1]), nb::steal(error[2])};
  const nb::object arguments = nb::steal(PyObject_GetAttrString(owned[1].ptr(), "args"));
  return {base::Fault::kUser, text_of(PyTuple_GetItem(arguments.ptr(), 0)), text_of(PyTuple_GetItem(arguments.ptr(), 1))};
}

// A tree has thousands of objects, none of them garbage for the collector to look for.
class WithoutCollector {
public:
  WithoutCollector() : was_enabled_(PyGC_Disable() != 0) {}
  ~WithoutCollector() {
    if (was_enabled_) {
      PyGC_Enable();
    }
  }
  WithoutCollector(const WithoutCollector&) = delete;
  WithoutCollector& operator=(const WithoutCollector&) = delete;

private:
  const bool was_enabled_;
};

// (node, segment)
nb::object parse(Known& known, PyObject* function) {
  static PyObject* const kName = PyUnicode_InternFromString("parse");
  nb::object parsed = nb::steal(PyObject_CallMethodOneArg(known.source.ptr(), kName, function));
  if (!parsed.is_valid()) {
    throw source_diagnostic(code_of(function));
  }
  return parsed;
}

// (file, line, lines, span)
nb::object export_segment(const nb::object& parsed) {
  nb::object exported = nb::steal(PyObject_CallMethod(PyTuple_GET_ITEM(parsed.ptr(), 1), "export", nullptr));
  if (!exported.is_valid()) {
    throw diagnostic_of_python_error("a source can't be read");
  }
  return exported;
}

SourceText text_of_segment(const nb::object& exported, PyObject* code) {
  PyObject* segment = exported.ptr();
  SourceText text;
  text.file = text_of(PyTuple_GET_ITEM(segment, 0));
  text.first_line = static_cast<int>(PyLong_AsLong(PyTuple_GET_ITEM(segment, 1)));
  PyObject* lines = PyTuple_GET_ITEM(segment, 2);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lines); ++i) {
    text.lines.push_back(text_of(PyTuple_GET_ITEM(lines, i)));
  }
  text.qualified_name = text_of(reinterpret_cast<PyCodeObject*>(code)->co_qualname);
  return text;
}

} // namespace

void capture_source(PyObject* function) { known_of(function); }

std::shared_ptr<const syntax::Source> source_of(PyObject* function) {
  PyObject* code = code_of(function);
  Known& known = known_of(function);
  if (known.tree == nullptr) {
    const WithoutCollector without_collector;
    const nb::object parsed = parse(known, function);
    known.tree = syntax_of(PyTuple_GET_ITEM(parsed.ptr(), 0), text_of_segment(export_segment(parsed), code));
  }
  return known.tree;
}

PyObject* export_source(PyObject* function) { return export_segment(parse(known_of(function), function)).release().ptr(); }

void import_source(PyObject* function, PyObject* exported) {
  PyObject* code = code_of(function);
  nb::object source = call(helper("restore").ptr(), exported, "the source in a pickle can't be read");
  void* extra = nullptr;
  if (get_extra(code, &extra) && extra != nullptr) {
    static_cast<Known*>(extra)->source = std::move(source);
    return;
  }
  PyErr_Clear();
  attach(code, std::move(source));
}

using SourceTuple = nb::typed<nb::tuple, nb::any, nb::ellipsis>;

void add_source_functions(nb::module_& m) {
  install_compile_hook();
  m.def(
      "remembered_texts", [](const std::string& file, const std::string& word) { return compile_memory().texts(file, word); },
      nb::arg("file"), nb::arg("word"), "Return the texts that were compiled under a file name and hold a word, newest first.");
  m.def(
      "capture_source", [](nb::handle function) { capture_source(function.ptr()); }, nb::arg("function"), nb::call_guard<Presence>(),
      "Remember where the source of a function lies now.");
  m.def(
      "export_source", [](nb::handle function) { return nb::steal<SourceTuple>(export_source(function.ptr())); }, nb::arg("function"),
      nb::call_guard<Presence>(), "Return the source of a function as plain values, for pickling.");
  m.def(
      "import_source", [](nb::handle function, const SourceTuple& source) { import_source(function.ptr(), source.ptr()); },
      nb::arg("function"), nb::arg("source"), nb::call_guard<Presence>(),
      "Give a function that came from a pickle the source that export_source returned.");
}

} // namespace hasten::bindings
