// What compiled code, the compiler and C++ say when they fail, as Python exceptions. All functions need the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "hasten/abi/env.h"
#include "hasten/bindings/diagnostic_error.h"
#include "hasten/compiler/compile.h"

namespace hasten::bindings {

// What a native function needs to raise: its tables, the objects of Unit::bindings, whose values its scalars are.
struct RaiseContext {
  const compiler::Unit& unit;
  const std::vector<nanobind::object>& bindings;
  infer::Dialect dialect;
};

// Sets the exception that `status` and `env` speak of, with a traceback entry for each place that it passed, innermost last. Takes over the
// counts of blocks in the payload.
void set_exception(const RaiseContext& context, const abi::Env& env, abi::Status status);

// Sets the exception that the environment of a kernel speaks of (Status::kRuntimeError).
void set_runtime_error(const abi::Env& env);

// Throws a Python exception of this class.
[[noreturn]] void throw_python(PyObject* type, const std::string& message);

// Within a catch block: sets the Python exception for whatever was thrown.
void set_exception_from_current() noexcept;

// What hst_poll calls (abi::PollHook).
int32_t handle_signals(abi::Env* env);

} // namespace hasten::bindings
