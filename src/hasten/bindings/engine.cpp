#include "hasten/bindings/engine.h"

#include <pthread.h>

#include <cstdlib>
#include <tuple>

#include "hasten/bindings/code_cache.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/host_values.h"
#include "hasten/bindings/in_flight.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/recorder.h"
#include "hasten/bindings/stats.h"
#include "hasten/bindings/thread_facts.h"

namespace hasten::bindings {
namespace {

using Key = std::tuple<PyObject*, std::vector<ir::TypeRef>, ir::TypeRef>;
using Compilations = InFlight<Key, Specialisation>;

constexpr std::chrono::milliseconds kPatience{50}; // between two looks for signals while another thread compiles

// What other threads of this process are compiling. A fork leaves it to the parent: the child begins anew.
Compilations* compilations = new Compilations;

void begin_anew_after_fork() {
  compilations = new Compilations; // the old one's mutex may be held by a thread that is no more
  adopt_main_thread();
  jit::forget_session_after_fork();
}

compiler::Request request_for(const Job& job) {
  compiler::Request request;
  request.function = PythonHost::instance().handle_of(job.dispatcher);
  request.arguments = job.arguments;
  request.options = job.options;
  request.result = job.result;
  return request;
}

// The object behind a binding. The number in "global:<n>:NAME" counts in `functions`.
nb::object bound_object(const ir::Binding& binding, const std::vector<infer::Handle>& functions) {
  if (PyObject* object = PythonHost::instance().object_of(binding.handle)) {
    return nb::borrow(object);
  }
  const size_t number = binding.path.find(':') + 1;
  const size_t index = std::strtoull(binding.path.c_str() + number, nullptr, 10);
  PyObject* callable = index < functions.size() ? PythonHost::instance().object_of(functions[index]) : nullptr;
  return resolve_path(callable != nullptr ? function_behind(callable) : nullptr, binding.path);
}

// Numba's dialect freezes arrays: the code keeps a copy.
std::vector<nb::object> bound_objects(const compiler::Unit& unit, infer::Dialect dialect, const std::vector<infer::Handle>& functions) {
  std::vector<nb::object> objects;
  for (const ir::Binding& binding : unit.bindings) {
    nb::object object = bound_object(binding, functions);
    if (dialect == infer::Dialect::kNumba && ir::is_array(binding.type)) {
      object = object.attr("copy")("K");
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

std::shared_ptr<Specialisation> finished(const Job& job, compiler::Unit unit, std::shared_ptr<jit::LoadedCode> loaded,
                                         const RecordingHost& host) {
  auto code = std::make_shared<Specialisation>();
  code->unit = std::move(unit);
  code->unit.object = {};
  code->loaded = std::move(loaded);
  code->entry = code->loaded->entry();
  code->options = job.options;
  code->declared_result = job.result;
  code->bindings = bound_objects(code->unit, job.options.dialect, host.functions());
  if (job.options.dialect == infer::Dialect::kPython) {
    code->guards = host.guards();
  }
  code->lay_out();
  return code;
}

// Null where the cache has no code that can be used here.
std::shared_ptr<Specialisation> load(const Job& job, const CachePlace& place) {
  std::optional<CachedUnit> cached = place.load(PythonHost::instance().handle_of(job.dispatcher));
  if (!cached || cached->unit.arguments != job.arguments) {
    return nullptr;
  }
  try {
    std::shared_ptr<jit::LoadedCode> loaded;
    {
      const WithoutGil without_gil;
      loaded = jit::load_object(cached->unit.object.bytes);
    }
    auto code = finished(job, std::move(cached->unit), std::move(loaded), *cached->host);
    code->cached = std::move(cached->entry);
    ++counters.cache_loads;
    return code;
  } catch (const base::Diagnostic&) {
    return nullptr; // an object that it binds is gone; compiling says so better
  }
}

std::shared_ptr<Specialisation> compile(const Job& job, const llvm_backend::EmitOptions& emit, const std::optional<CachePlace>& place) {
  compiler::Request request = request_for(job);
  request.emit = emit;
  RecordingHost host(PythonHost::instance(), request.function);
  compiler::Unit unit;
  std::shared_ptr<jit::LoadedCode> loaded;
  {
    const WithoutGil without_gil;
    unit = compiler::compile(host, request);
    loaded = jit::load_object(unit.object.bytes);
  }
  ++counters.native_compilations;
  auto entry = place ? place->store(unit, host) : std::nullopt;
  auto code = finished(job, std::move(unit), std::move(loaded), host);
  code->cached = std::move(entry);
  return code;
}

std::shared_ptr<Specialisation> load_or_compile(const Job& job, const llvm_backend::EmitOptions& emit = {}) {
  const std::optional<CachePlace> place = CachePlace::of(job, emit);
  auto code = place ? load(job, *place) : nullptr;
  return code != nullptr ? code : compile(job, emit, place);
}

// Null where the other thread failed, or looks as if it waited for this one.
std::shared_ptr<Specialisation> wait_for(const std::shared_ptr<Compilations::Work>& work) {
  bool done = false;
  {
    const GilReleased without_gil; // and outside the fork gate: a fork may come meanwhile
    done = compilations->wait(work, kPatience);
  }
  if (PyErr_CheckSignals() != 0) {
    nb::raise_python_error();
  }
  return done ? work->result : nullptr;
}

// Tells the threads that wait how it went, whatever happens.
class Flight {
public:
  explicit Flight(Key key) : key_(std::move(key)), home_(compilations) {}
  ~Flight() { home_->finish(key_, std::move(result)); }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  std::shared_ptr<Specialisation> result;

private:
  Key key_;
  Compilations* home_;
};

} // namespace

std::shared_ptr<Specialisation> specialise(const Job& job) {
  const Presence presence;
  const Key key(job.dispatcher, job.arguments, job.result);
  while (const auto work = compilations->join(key)) {
    if (auto shared = wait_for(work)) {
      return shared;
    }
  }
  Flight flight(key);
  flight.result = load_or_compile(job);
  return flight.result;
}

std::shared_ptr<Specialisation> code_for_loop(const Job& job, const llvm_backend::EmitOptions& emit) {
  const Presence presence;
  return load_or_compile(job, emit);
}

Texts inspect(const Job& job) {
  const Presence presence;
  compiler::Request request = request_for(job);
  request.want_ir = true;
  request.emit.want_llvm = true;
  request.emit.want_assembly = true;
  const WithoutGil without_gil;
  compiler::Unit unit = compiler::compile(PythonHost::instance(), request);
  return {std::move(unit.ir), std::move(unit.object.llvm), std::move(unit.object.assembly)};
}

void init_engine() {
  abi::set_poll_hook(handle_signals);
  jit::set_symbol_provider(numpy_symbol);
  install_fork_gate();
  pthread_atfork(nullptr, nullptr, begin_anew_after_fork);
}

} // namespace hasten::bindings
