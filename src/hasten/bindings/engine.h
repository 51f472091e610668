// From a function and the types of its arguments to code that runs: looked up, compiled or shared with a thread that is compiling it.
#pragma once

#include <memory>
#include <vector>

#include "hasten/bindings/specialisation.h"

namespace hasten::bindings {

struct Job {
  PyObject* dispatcher; // borrowed; what the Host knows the function by
  std::vector<ir::TypeRef> arguments;
  ir::TypeRef result = nullptr; // what a signature declared, or null
  infer::Options options;
  bool cache = true; // on disk
};

// Code for the job. Compiles without the GIL; threads that want the same at the same time get the same. Needs the GIL on entry.
// Throws base::Diagnostic, or nanobind::python_error where Python code that compilation asked failed.
std::shared_ptr<Specialisation> specialise(const Job& job);

// Code with an inner loop of a ufunc beside its entry, not shared with others. As `specialise`.
std::shared_ptr<Specialisation> code_for_loop(const Job& job, const llvm_backend::EmitOptions& emit);

struct Texts {
  std::string ir;
  std::string llvm;
  std::string assembly;
};

// What the job is compiled to, for people. Compiles anew. As `specialise`.
Texts inspect(const Job& job);

// Makes what the process needs before anything is compiled: hooks for polling and for fork. Called once, from module.cpp.
void init_engine();

} // namespace hasten::bindings
