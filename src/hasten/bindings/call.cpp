#include "hasten/bindings/call.h"

#include <bit>
#include <memory>
#include <optional>

#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/boxing.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/numpy_services.h"
#include "hasten/bindings/stats.h"
#include "hasten/bindings/thread_facts.h"

namespace hasten::bindings {
namespace {

// Slots and blocks of one call: on the stack, but for functions with very many arguments.
class CallMemory {
public:
  explicit CallMemory(const Specialisation& code) {
    const int slot_count = code.argument_slots + code.binding_slots + code.result_slots;
    if (slot_count > kInlineSlots) [[unlikely]] {
      more_slots_ = std::make_unique_for_overwrite<uint64_t[]>(static_cast<size_t>(slot_count));
      slots = more_slots_.get();
    }
    if (code.blocks > kInlineBlocks) [[unlikely]] {
      more_blocks_ = std::make_unique_for_overwrite<abi::Block[]>(static_cast<size_t>(code.blocks));
      blocks = more_blocks_.get();
    }
  }

  uint64_t* slots = inline_slots_;
  abi::Block* blocks = inline_blocks_;

private:
  static constexpr int kInlineSlots = 64;
  static constexpr int kInlineBlocks = 8;

  uint64_t inline_slots_[kInlineSlots];
  abi::Block inline_blocks_[kInlineBlocks];
  std::unique_ptr<uint64_t[]> more_slots_;
  std::unique_ptr<abi::Block[]> more_blocks_;
};

bool unbox_int(PyObject* value, UnboxCursor* to) {
  const long long number = PyLong_AsLongLong(value);
  *to->slots++ = static_cast<uint64_t>(number);
  return number != -1 || PyErr_Occurred() == nullptr;
}

bool unbox_arguments(const Route& route, PyObject* const* values, UnboxCursor* to) {
  for (const Step& step : route.steps) {
    PyObject* value = *values++;
    switch (step.kind) {
    case StepKind::kFloat:
      *to->slots++ = std::bit_cast<uint64_t>(PyFloat_AS_DOUBLE(value));
      break;
    case StepKind::kArray:
      to->slots = unbox_array(reinterpret_cast<PyArrayObject*>(value), to->blocks++, to->slots);
      break;
    case StepKind::kInt:
      if (!unbox_int(value, to)) {
        return false;
      }
      break;
    case StepKind::kBool:
      *to->slots++ = value == Py_True ? 1 : 0;
      break;
    case StepKind::kNothing:
      break;
    case StepKind::kConvert:
      if (!unbox(value, step.type, route.code->options.dialect, to)) {
        return false;
      }
      break;
    }
  }
  return true;
}

bool unbox_bindings(const Specialisation& code, UnboxCursor* to) {
  for (const BoundValue& bound : code.values) {
    if (ir::is_array(bound.type)) {
      to->slots = unbox_array(reinterpret_cast<PyArrayObject*>(bound.object.ptr()), to->blocks++, to->slots);
    } else if (!unbox(bound.object.ptr(), bound.type, code.options.dialect, to)) {
      return false;
    }
  }
  return true;
}

abi::Status run(const Specialisation& code, abi::Env* env, const uint64_t* in, uint64_t* out) {
  ++counters.native_calls;
  if (!code.options.nogil) {
    env->flags |= abi::kHoldsGil;
    return static_cast<abi::Status>(code.entry(env, in, out));
  }
  PyThreadState* thread = PyEval_SaveThread();
  const auto status = static_cast<abi::Status>(code.entry(env, in, out));
  take_gil_again(thread);
  return status;
}

PyObject* box_result(const Specialisation& code, const uint64_t* out) {
  switch (code.result_kind) {
  case ResultKind::kNone:
    return Py_NewRef(Py_None);
  case ResultKind::kFloat:
    return PyFloat_FromDouble(std::bit_cast<double>(*out));
  case ResultKind::kInt:
    return PyLong_FromLongLong(static_cast<int64_t>(*out));
  case ResultKind::kBool:
    return Py_NewRef(*out != 0 ? Py_True : Py_False);
  case ResultKind::kArray:
    return box_array(code.unit.result, out);
  case ResultKind::kOther:
    break;
  }
  return box(code.unit.result, code.options.dialect, &out);
}

PyObject* call_code(const Route& route, PyObject* const* values) {
  const Specialisation& code = *route.code;
  CallMemory memory(code);
  UnboxCursor cursor{memory.slots, memory.blocks};
  if (!unbox_arguments(route, values, &cursor)) {
    return nullptr;
  }
  abi::Env env;
  const ThreadFacts& thread = this_thread_facts();
  env.flags = thread.flags;
  env.stack_limit = thread.stack_limit;
  if (!code.values.empty()) {
    env.bindings = cursor.slots;
    if (!unbox_bindings(code, &cursor)) {
      return nullptr;
    }
  }
  uint64_t* out = cursor.slots;
  std::optional<RandomStream> random;
  if (code.draws_random) {
    random.emplace();
    if (!random->is_open()) {
      return nullptr;
    }
  }
  const abi::Status status = run(code, &env, memory.slots, out);
  random.reset();
  if (status == abi::Status::kOk) [[likely]] {
    return box_result(code, out);
  }
  set_exception({code.unit, code.bindings, code.options.dialect}, env, status);
  return nullptr;
}

} // namespace

PyObject* call_route(Route& route, PyObject* const* values) {
  ++route.running;
  PyObject* result = call_code(route, values);
  --route.running;
  return result;
}

} // namespace hasten::bindings
