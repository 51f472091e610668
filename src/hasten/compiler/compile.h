// The pipeline from a function and the types of its arguments to machine code in an object, readable as a table of contents.
#pragma once

#include <string>
#include <vector>

#include "hasten/compiler/infer/host.h"
#include "hasten/compiler/llvm/emit.h"

namespace hasten::compiler {

struct Request {
  infer::Handle function = 0;
  std::vector<ir::TypeRef> arguments; // one for each parameter, defaults filled in; *args is one tuple
  infer::Options options;
  ir::TypeRef result = nullptr; // what the signature declares, or null
  llvm_backend::EmitOptions emit;
  bool want_ir = false; // keep the typed IR as text
};

// A global or closure name that the code was compiled for; its value is part of the code.
struct CapturedName {
  infer::Handle function; // whose globals
  std::string name;
};

// All that is needed to run the code, in this process or in another.
struct Unit {
  std::vector<ir::TypeRef> arguments;
  ir::TypeRef result = nullptr;
  std::vector<ir::RaiseSite> sites;
  std::vector<ir::Location> locations;
  std::vector<std::string> names;
  std::vector<ir::Binding> bindings;
  std::vector<CapturedName> captured;
  std::vector<infer::Handle> callees; // functions whose code is part of this unit
  std::vector<std::string> symbols;   // what the code calls of the library
  bool has_parallel_loops = false;
  llvm_backend::Object object;
  std::string ir;
};

// Throws base::Diagnostic. Thread-safe and re-entrant; called without the GIL.
Unit compile(infer::Host& host, const Request& request);

} // namespace hasten::compiler
