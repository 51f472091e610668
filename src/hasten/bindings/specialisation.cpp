#include "hasten/bindings/specialisation.h"

#include <algorithm>

#include "hasten/bindings/boxing.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/mpi.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/numpy_services.h"
#include "hasten/bindings/type_of.h"

namespace hasten::bindings {
namespace {

ResultKind result_kind_of(ir::TypeRef type, infer::Dialect dialect) {
  const bool becomes_python = type->weak || dialect == infer::Dialect::kNumba;
  switch (type->kind) {
  case ir::Kind::kNone:
    return ResultKind::kNone;
  case ir::Kind::kArray:
    return ResultKind::kArray;
  case ir::Kind::kFloat:
    return becomes_python && type->bits == 64 ? ResultKind::kFloat : ResultKind::kOther;
  case ir::Kind::kInt:
    return becomes_python && type->is_signed ? ResultKind::kInt : ResultKind::kOther;
  case ir::Kind::kBool:
    return becomes_python ? ResultKind::kBool : ResultKind::kOther;
  default:
    return ResultKind::kOther;
  }
}

StepKind step_kind_of(PyObject* value, ir::TypeRef wanted) {
  if (ir::slot_count(wanted) == 0) {
    return StepKind::kNothing;
  }
  const bool whole = wanted->bits == 64;
  switch (wanted->kind) {
  case ir::Kind::kFloat:
    return whole && PyFloat_Check(value) ? StepKind::kFloat : StepKind::kConvert;
  case ir::Kind::kInt:
    return whole && wanted->is_signed && PyLong_CheckExact(value) && width_of(value) == IntWidth::kInt64 ? StepKind::kInt
                                                                                                         : StepKind::kConvert;
  case ir::Kind::kBool:
    return PyBool_Check(value) ? StepKind::kBool : StepKind::kConvert;
  case ir::Kind::kArray:
    return has_numpy() && PyArray_Check(value) ? StepKind::kArray : StepKind::kConvert;
  default:
    return StepKind::kConvert;
  }
}

// Whether values of this type are NumPy's objects in Python.
bool is_numpys(ir::TypeRef type) {
  if (type->elem != nullptr && type->kind == ir::Kind::kOptional) {
    return is_numpys(type->elem);
  }
  return ir::is_array(type) || type->kind == ir::Kind::kDatetime || (ir::is_number(type) && !type->weak) ||
         std::any_of(type->items.begin(), type->items.end(), is_numpys);
}

// A wait that held the GIL would keep out whom it waits for.
bool waits_for_others(ir::TypeRef type) {
  return (type->kind == ir::Kind::kSequence && type->name == "channel") ||
         std::any_of(type->items.begin(), type->items.end(), waits_for_others);
}

} // namespace

void Specialisation::lay_out() {
  if (is_numpys(unit.result) || std::any_of(unit.arguments.begin(), unit.arguments.end(), is_numpys)) {
    import_numpy();
  }
  prepare_numpy_services(unit.symbols);
  draws_random = bindings::draws_random(unit.symbols);
  prepare_mpi(unit.symbols);
  options.nogil = options.nogil || calls_mpi(unit.symbols);
  for (ir::TypeRef type : unit.arguments) {
    options.nogil = options.nogil || waits_for_others(type);
    argument_slots += ir::slot_count(type);
    blocks += block_count(type);
  }
  for (size_t i = 0; i < unit.bindings.size(); ++i) {
    ir::TypeRef type = unit.bindings[i].type;
    if (unit.bindings[i].has_slots()) {
      options.nogil = options.nogil || waits_for_others(type);
      values.push_back({bindings[i], type, type_code(bindings[i].ptr())});
      binding_slots += ir::slot_count(type);
      blocks += block_count(type);
    }
  }
  result_slots = ir::slot_count(unit.result);
  result_kind = result_kind_of(unit.result, options.dialect);
}

bool Specialisation::values_hold() const {
  for (const BoundValue& bound : values) {
    if (type_code(bound.object.ptr()) != bound.code) {
      return false;
    }
  }
  return true;
}

int Specialisation::traverse(visitproc visit, void* arg) const {
  for (const nb::object& object : bindings) {
    Py_VISIT(object.ptr());
  }
  return guards.traverse(visit, arg);
}

std::vector<Step> make_steps(PyObject* const* values, const std::vector<ir::TypeRef>& wanted) {
  std::vector<Step> steps;
  for (size_t i = 0; i < wanted.size(); ++i) {
    steps.push_back({step_kind_of(values[i], wanted[i]), wanted[i]});
  }
  return steps;
}

} // namespace hasten::bindings
