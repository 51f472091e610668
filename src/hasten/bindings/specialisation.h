// Code that a dispatcher can call: one version of a function for one list of argument types, and the ways that lead to it.
//
// Needs the GIL throughout.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <vector>

#include "hasten/bindings/cache_entry.h"
#include "hasten/bindings/guards.h"
#include "hasten/compiler/compile.h"
#include "hasten/compiler/jit/session.h"

namespace hasten::bindings {

// How the one value that a call returns leaves it; the frequent cases by name.
enum class ResultKind : uint8_t { kNone, kFloat, kInt, kBool, kArray, kOther };

// An array that a global names, whose memory is the code's and whose shape and strides are read anew in each call; or a channel.
struct BoundValue {
  nb::object object;
  ir::TypeRef type;
  uint64_t code; // of its type
};

struct Specialisation {
  compiler::Unit unit; // without its object
  std::shared_ptr<jit::LoadedCode> loaded;
  abi::Entry entry = nullptr;
  infer::Options options;
  ir::TypeRef declared_result = nullptr;
  std::vector<nb::object> bindings; // the objects of unit.bindings
  std::vector<BoundValue> values;   // those of them that have slots
  Guards guards;
  std::optional<CacheEntry> cached; // where it lies in the cache on disk
  ResultKind result_kind = ResultKind::kOther;
  bool draws_random = false; // from numpy.random's stream
  int argument_slots = 0;
  int result_slots = 0;
  int binding_slots = 0;
  int blocks = 0; // of arguments and bindings

  // Fills in what follows from `unit` and `bindings`.
  void lay_out();
  // Whether the captured values still are those that the code was compiled for.
  bool is_current() { return guards.hold() && (values.empty() || values_hold()); }
  int traverse(visitproc visit, void* arg) const;

private:
  bool values_hold() const;
};

// How one argument is unboxed. kConvert: by boxing.h, whatever it is; the others are for Python's own objects and for arrays.
enum class StepKind : uint8_t { kNothing, kFloat, kInt, kBool, kArray, kConvert };
struct Step {
  StepKind kind;
  ir::TypeRef type;
};

// What a dispatcher does with arguments of certain types.
struct Route {
  std::vector<uint64_t> codes; // type_code of each argument
  std::vector<Step> steps;
  std::shared_ptr<Specialisation> code;
  nb::object substitute; // gradual mode: called in place of native code
  int running = 0;       // calls under way; it may not be freed before they end
};

// The steps for these values, and for all whose type codes are theirs, to code for the types `wanted`.
std::vector<Step> make_steps(PyObject* const* values, const std::vector<ir::TypeRef>& wanted);

} // namespace hasten::bindings
