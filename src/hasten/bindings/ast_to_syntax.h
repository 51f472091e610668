// Python's own syntax tree, as the module `_ast` has it, turned into syntax::Source.
#pragma once

#include <Python.h>

#include <memory>
#include <string>
#include <vector>

#include "hasten/compiler/syntax/tree.h"

namespace hasten::bindings {

struct SourceText {
  std::string file;
  std::string qualified_name;
  int first_line = 1;             // the file's number of lines[0]
  std::vector<std::string> lines; // of the function, UTF-8
};

// `function`: an _ast.FunctionDef, AsyncFunctionDef or Lambda with positions of the file. Columns become characters. Throws Diagnostic
// where the tree is nested too deeply. GIL held; nothing of Python is kept.
std::shared_ptr<const syntax::Source> syntax_of(PyObject* function, SourceText text);

} // namespace hasten::bindings
