#include "hasten/bindings/ufunc.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "hasten/bindings/dispatcher.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/engine.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/type_text.h"
#include "hasten/parallel/loop.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

constexpr const char* kLoopCapsule = "hasten.loop";
constexpr const char* kRecordCapsule = "hasten.ufunc";
constexpr float kItemCost = 5; // ns, where nothing better is known: what keeps small loops on one thread

// One compiled inner loop.
struct Loop {
  std::shared_ptr<Specialisation> code;
  abi::UfuncLoop function = nullptr;
  std::vector<int> types; // NumPy's type numbers of inputs and outputs
  bool parallel = false;
  bool generalised = false;
  int core_count = 0; // core dimensions of a generalised one
};

// What a ufunc of ours holds, for as long as it lives (PyUFuncObject::obj).
struct Record {
  std::string name;
  std::string doc;
  std::string signature;
  std::vector<std::vector<int>> core; // dimensions of a gufunc's operands
  nb::object dispatcher;              // the function
  std::vector<PyUFuncGenericFunction> functions;
  std::vector<void*> data;
  std::vector<char> types;
  std::vector<nb::object> kept; // capsules of the loops that the ufunc was made with
  std::mutex mutex;             // guards `added`
  std::vector<std::pair<const Loop*, nb::object>> added;
  nb::object promoter;
};

thread_local bool loop_failed = false;
thread_local const Loop* running_loop = nullptr; // for errors, which need its tables

void call_loop(const Loop& loop, char** args, const npy_intp* dimensions, const npy_intp* steps) {
  running_loop = &loop;
  loop.function(args, dimensions, steps, nullptr);
}

// A loop over items runs in pieces on several threads; a generalised one likewise over its outer dimension.
void run_parallel(const Loop& loop, char** args, const npy_intp* dimensions, const npy_intp* steps) {
  abi::Env env;
  const auto body = [&](abi::Env*, int64_t begin, int64_t end) {
    std::vector<char*> pieces(loop.types.size());
    for (size_t i = 0; i < pieces.size(); ++i) {
      pieces[i] = args[i] + begin * steps[i];
    }
    std::vector<npy_intp> sizes{end - begin};
    sizes.insert(sizes.end(), dimensions + 1, dimensions + 1 + loop.core_count);
    call_loop(loop, pieces.data(), sizes.data(), steps);
    return abi::Status::kOk;
  };
  parallel::parallel_for(&env, dimensions[0], kItemCost, body);
}

void run_loop(char** args, const npy_intp* dimensions, const npy_intp* steps, void* data) {
  const Loop& loop = *static_cast<const Loop*>(data);
  if (loop.parallel && dimensions[0] > 1) {
    run_parallel(loop, args, dimensions, steps);
    return;
  }
  call_loop(loop, args, dimensions, steps);
}

Record* record_of(PyUFuncObject* ufunc) {
  auto* record = ufunc->obj != nullptr ? static_cast<Record*>(PyCapsule_GetPointer(ufunc->obj, kRecordCapsule)) : nullptr;
  return record;
}

// The loop of a ufunc that compiles on demand, found by the types that NumPy settled on.
const Loop* find_loop(Record& record, PyArray_Descr* const* descriptors) {
  const std::lock_guard lock(record.mutex);
  for (const auto& [loop, capsule] : record.added) {
    bool same = true;
    for (size_t i = 0; i < loop->types.size(); ++i) {
      same = same && descriptors[i]->type_num == loop->types[i];
    }
    if (same) {
      return loop;
    }
  }
  return nullptr;
}

bool has_added(Record& record, const std::vector<int>& types) {
  const std::lock_guard lock(record.mutex);
  return std::any_of(record.added.begin(), record.added.end(), [&](const auto& one) { return one.first->types == types; });
}

int run_added_loop(PyArrayMethod_Context* context, char* const* data, const npy_intp* dimensions, const npy_intp* strides, NpyAuxData*) {
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  const Loop* loop = find_loop(*record_of(ufunc), context->descriptors);
  if (loop == nullptr) {
    return -1;
  }
  loop_failed = false;
  run_loop(const_cast<char**>(data), dimensions, strides, const_cast<Loop*>(loop));
  return loop_failed ? -1 : 0;
}

const Loop& loop_in(nb::handle capsule) {
  auto* loop = static_cast<Loop*>(PyCapsule_GetPointer(capsule.ptr(), kLoopCapsule));
  if (loop == nullptr) {
    nb::raise_python_error();
  }
  return *loop;
}

// ---------------------------------------------------------------- making loops

int type_number(ir::TypeRef type) { return static_cast<int>((ir::is_array(type) ? type->elem : type)->dtype); }

void append_results(ir::TypeRef result, std::vector<int>* types) {
  if (ir::is_tuple(result)) {
    for (ir::TypeRef item : result->items) {
      append_results(item, types);
    }
  } else if (result->kind != ir::Kind::kNone) {
    types->push_back(type_number(result));
  }
}

ir::TypeRef type_named(const std::string& text) {
  ir::TypeRef type = parse_type_text(text);
  if (type == nullptr) {
    throw nb::type_error(("not a type: " + text).c_str());
  }
  return type;
}

void refuse_arrays_of_globals(const compiler::Unit& unit) {
  for (const ir::Binding& binding : unit.bindings) {
    if (ir::is_array(binding.type)) {
      throw base::Diagnostic(base::Fault::kUser, "a vectorized function can't read an array that a global names",
                             "Pass it as an argument.");
    }
    if (binding.has_slots()) {
      throw base::Diagnostic(base::Fault::kUser, "a vectorized function can't use a channel that a global names",
                             "Use it in the code that calls the function.");
    }
  }
}

nb::object compile_loop(nb::handle dispatcher, const std::vector<std::string>& arguments, const std::string& result,
                        const std::vector<std::vector<int>>& core_dimensions, int outputs, bool parallel) {
  Job job{dispatcher.ptr(), {}, nullptr, dispatcher_hooks().options(dispatcher.ptr()), is_cached(dispatcher.ptr())};
  for (const std::string& text : arguments) {
    job.arguments.push_back(type_named(text));
  }
  job.result = result.empty() ? nullptr : type_named(result);
  auto loop = std::make_unique<Loop>();
  loop->generalised = !core_dimensions.empty();
  loop->parallel = parallel;
  for (const std::vector<int>& dimensions : core_dimensions) {
    for (const int dimension : dimensions) {
      loop->core_count = std::max(loop->core_count, dimension + 1);
    }
  }
  llvm_backend::EmitOptions emit;
  emit.loop = loop->generalised ? llvm_backend::LoopKind::kGufunc : llvm_backend::LoopKind::kUfunc;
  emit.core_dimensions = core_dimensions;
  emit.outputs = outputs;
  try {
    loop->code = code_for_loop(job, emit);
    refuse_arrays_of_globals(loop->code->unit);
  } catch (const base::Diagnostic&) {
    set_exception_from_current();
    nb::raise_python_error();
  }
  loop->function = loop->code->loaded->loop();
  for (ir::TypeRef type : job.arguments) {
    loop->types.push_back(type_number(type));
  }
  if (!loop->generalised) {
    append_results(loop->code->unit.result, &loop->types);
  }
  return nb::steal(PyCapsule_New(loop.release(), kLoopCapsule,
                                 [](PyObject* capsule) { delete static_cast<Loop*>(PyCapsule_GetPointer(capsule, kLoopCapsule)); }));
}

std::vector<int> loop_types(nb::handle capsule) { return loop_in(capsule).types; }

// ---------------------------------------------------------------- making ufuncs

void add_loop(nb::handle ufunc_object, nb::object capsule) {
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(ufunc_object.ptr());
  const Loop& loop = loop_in(capsule);
  if (has_added(*record_of(ufunc), loop.types)) {
    return; // several threads compiled it at once
  }
  std::vector<nb::object> classes;
  std::vector<PyArray_DTypeMeta*> dtypes;
  for (const int type : loop.types) {
    const nb::object descriptor = nb::steal(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type)));
    classes.push_back(nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(descriptor.ptr()))));
    dtypes.push_back(reinterpret_cast<PyArray_DTypeMeta*>(classes.back().ptr()));
  }
  PyType_Slot slots[] = {{NPY_METH_strided_loop, reinterpret_cast<void*>(&run_added_loop)}, {0, nullptr}};
  PyArrayMethod_Spec spec;
  spec.name = record_of(ufunc)->name.c_str();
  spec.nin = ufunc->nin;
  spec.nout = ufunc->nout;
  spec.casting = NPY_NO_CASTING;
  spec.flags = {}; // NOLINT(bugprone-invalid-enum-default-initialization): NumPy has no name for none
  spec.dtypes = dtypes.data();
  spec.slots = slots;
  {
    Record& record = *record_of(ufunc);
    const std::lock_guard lock(record.mutex);
    record.added.emplace_back(&loop, std::move(capsule));
  }
  if (PyUFunc_AddLoopFromSpec(ufunc_object.ptr(), &spec) < 0) {
    nb::raise_python_error();
  }
}

// NumPy asks which dtypes to use for operands that no loop fits; the answer comes from Python, which compiles the loop.
int promote(PyObject* ufunc_object, PyArray_DTypeMeta* const operands[], PyArray_DTypeMeta* const signature[],
            PyArray_DTypeMeta* chosen[]) {
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(ufunc_object);
  try {
    nb::list given;
    for (int i = 0; i < ufunc->nargs; ++i) {
      auto* one = reinterpret_cast<PyObject*>(signature[i] != nullptr ? signature[i] : operands[i]);
      given.append(one != nullptr ? nb::borrow(one) : nb::none());
    }
    const nb::object answer = record_of(ufunc)->promoter(nb::handle(ufunc_object), given);
    for (int i = 0; i < ufunc->nargs; ++i) {
      const nb::object one = answer[i];
      chosen[i] = reinterpret_cast<PyArray_DTypeMeta*>(nb::object(one).release().ptr());
    }
    return 0;
  } catch (...) {
    set_exception_from_current();
    return -1;
  }
}

void add_promoter(PyObject* ufunc, int nargs) {
  const nb::object any = nb::borrow(reinterpret_cast<PyObject*>(&PyArrayDescr_Type));
  nb::list pattern;
  for (int i = 0; i < nargs; ++i) {
    pattern.append(any);
  }
  const nb::object capsule = nb::steal(PyCapsule_New(reinterpret_cast<void*>(&promote), "numpy._ufunc_promoter", nullptr));
  if (!capsule.is_valid() || PyUFunc_AddPromoter(ufunc, nb::tuple(pattern).ptr(), capsule.ptr()) < 0) {
    nb::raise_python_error();
  }
}

struct Identity {
  int kind = PyUFunc_None;
  nb::object value;
};

Identity identity_of(nb::handle given) {
  if (given.is_none()) {
    return {};
  }
  if (PyUnicode_Check(given.ptr()) != 0) {
    return {PyUFunc_ReorderableNone, {}};
  }
  return {PyUFunc_IdentityValue, nb::borrow(given)};
}

nb::object make_ufunc(const std::string& name, const std::string& doc, int inputs, int outputs, nb::handle identity,
                      const std::string& signature, const std::vector<nb::object>& loops, nb::object promoter, nb::object dispatcher,
                      const std::vector<std::vector<int>>& core) {
  import_numpy();
  auto record = std::make_unique<Record>();
  record->name = name;
  record->doc = doc;
  record->signature = signature;
  record->core = core;
  record->dispatcher = std::move(dispatcher);
  for (const nb::object& capsule : loops) {
    const Loop& loop = loop_in(capsule);
    record->functions.push_back(reinterpret_cast<PyUFuncGenericFunction>(&run_loop));
    record->data.push_back(const_cast<Loop*>(&loop));
    for (const int type : loop.types) {
      record->types.push_back(static_cast<char>(type));
    }
    record->kept.push_back(capsule);
  }
  const Identity start = identity_of(identity);
  nb::object made = nb::steal(PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
      record->functions.data(), record->data.data(), record->types.data(), static_cast<int>(loops.size()), inputs, outputs, start.kind,
      record->name.c_str(), record->doc.c_str(), 0, signature.empty() ? nullptr : record->signature.c_str(), start.value.ptr()));
  if (!made.is_valid()) {
    nb::raise_python_error();
  }
  const bool lazily = !promoter.is_none();
  record->promoter = std::move(promoter);
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(made.ptr());
  ufunc->obj = PyCapsule_New(record.release(), kRecordCapsule,
                             [](PyObject* capsule) { delete static_cast<Record*>(PyCapsule_GetPointer(capsule, kRecordCapsule)); });
  if (lazily) {
    add_promoter(made.ptr(), inputs + outputs);
  }
  return made;
}

} // namespace

// Called by generated loops, with or without the GIL, in any thread: the first error stays.
extern "C" void hst_ufunc_error(abi::Env* env) {
  loop_failed = true;
  const WithGil gil;
  if (PyErr_Occurred() != nullptr) {
    return;
  }
  const abi::Status status = env->site >= 0                        ? abi::Status::kRaise
                             : env->error != abi::ErrorKind::kNone ? abi::Status::kRuntimeError
                                                                   : abi::Status::kPythonError;
  const Specialisation& code = *running_loop->code;
  set_exception({code.unit, code.bindings, code.options.dialect}, *env, status);
}

// A ufunc that was made here; or what stands for one, and has it as __hasten_ufunc__.
nb::object compiled_ufunc_behind(PyObject* object) {
  if (!has_numpy()) {
    return {};
  }
  nb::object ufunc = nb::borrow(object);
  if (Py_TYPE(object) != &PyUFunc_Type) {
    if (PyType_Check(object) || PyModule_Check(object) || PyFunction_Check(object)) {
      return {};
    }
    ufunc = nb::steal(PyObject_GetAttrString(object, "__hasten_ufunc__"));
    PyErr_Clear();
  }
  const bool is_ours = ufunc.is_valid() && Py_TYPE(ufunc.ptr()) == &PyUFunc_Type &&
                       PyCapsule_IsValid(reinterpret_cast<PyUFuncObject*>(ufunc.ptr())->obj, kRecordCapsule) != 0;
  return is_ours ? ufunc : nb::object();
}

std::shared_ptr<const infer::HostUfunc> describe_ufunc(PythonHost& host, PyObject* object) {
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
  const Record& record = *record_of(reinterpret_cast<PyUFuncObject*>(object));
  auto described = std::make_shared<infer::HostUfunc>();
  described->name = record.name;
  described->layout = record.signature;
  described->core = record.core;
  described->inputs = static_cast<size_t>(ufunc->nin);
  described->outputs = static_cast<size_t>(ufunc->nout);
  described->function = host.handle_of(record.dispatcher.ptr());
  for (const nb::object& capsule : record.kept) {
    const compiler::Unit& unit = loop_in(capsule).code->unit;
    described->signatures.push_back(unit.arguments);
    described->results.push_back(unit.result);
  }
  return described;
}

void add_ufunc_functions(nb::module_& m) {
  jit::add_symbol("hst_ufunc_error", reinterpret_cast<void*>(&hst_ufunc_error));
  m.def("compile_loop", compile_loop, nb::arg("dispatcher"), nb::arg("arguments"), nb::arg("result"), nb::arg("core_dimensions"),
        nb::arg("outputs"), nb::arg("parallel"), nb::call_guard<Presence>(),
        "Compile a function for these types as an inner loop of a ufunc or, with core dimensions, a gufunc.");
  m.def("loop_types", loop_types, nb::arg("loop"), "NumPy's type numbers of a loop's inputs and outputs.");
  m.def("make_ufunc", make_ufunc, nb::arg("name"), nb::arg("doc"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("identity").none(),
        nb::arg("signature"), nb::arg("loops"), nb::arg("promoter").none(), nb::arg("dispatcher"), nb::arg("core_dimensions"),
        nb::call_guard<Presence>(), "Make a NumPy ufunc of compiled loops.");
  m.def("add_loop", add_loop, nb::arg("ufunc"), nb::arg("loop"), nb::call_guard<Presence>(),
        "Add a compiled loop to a ufunc that make_ufunc made with a promoter.");
}

} // namespace hasten::bindings
