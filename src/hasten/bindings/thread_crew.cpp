#include "hasten/bindings/thread_crew.h"

#include "hasten/bindings/ending.h"
#include "hasten/bindings/python_type.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

// A thread that runs jobs.
struct Worker {
  Crew* crew;
  PyObject* variables; // a context with what the initializer has set, or null
};

thread_local Worker* this_worker = nullptr;

// Tasks that are called from C never look whether other threads want the GIL.
constexpr unsigned kCallsBetweenOffers = 1024;

void offer_gil() {
  static unsigned calls = 0;
  if (++calls % kCallsBetweenOffers == 0) {
    PyThreadState* state = PyEval_SaveThread();
    take_gil_again(state);
  }
}

// ---------------------------------------------------------------- context

bool set_variables(PyObject* variables) {
  PyObject* items = PyMapping_Items(variables);
  bool done = items != nullptr;
  for (Py_ssize_t i = 0; done && i < PyList_GET_SIZE(items); ++i) {
    PyObject* pair = PyList_GET_ITEM(items, i);
    PyObject* token = PyContextVar_Set(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    done = token != nullptr;
    Py_XDECREF(token);
  }
  Py_XDECREF(items);
  return done;
}

bool enter(PyObject* context) {
  if (PyContext_Enter(context) != 0) {
    return false;
  }
  return this_worker == nullptr || this_worker->variables == nullptr || set_variables(this_worker->variables);
}

} // namespace

PyObject* call_in_context(PyObject* context, PyObject* function, PyObject* const* args, size_t count, PyObject* keywords) {
  offer_gil();
  PyObject* result = enter(context) ? PyObject_VectorcallDict(function, args, count, keywords) : nullptr;
  PyObject* exception = result == nullptr ? take_exception() : nullptr;
  PyContext_Exit(context);
  if (exception != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    Py_DECREF(exception);
  }
  return result;
}

// ---------------------------------------------------------------- jobs

bool attach(ThreadJob* job, const JobKind* kind, Crew* crew) {
  job->context = PyContext_CopyCurrent();
  if (job->context == nullptr) {
    return false;
  }
  job->kind = kind;
  job->crew = crew;
  job->generation = parallel::process_generation();
  ++crew->references;
  return true;
}

void detach(ThreadJob* job) {
  if (job->crew != nullptr) {
    release(job->crew);
    job->crew = nullptr;
  }
}

bool enqueue(Crew* crew, ThreadJob* job, bool first) {
  Py_INCREF(object_of(job));
  if (first ? crew->queue.push_first(job) : crew->queue.push(job)) {
    return true;
  }
  Py_DECREF(object_of(job));
  PyErr_NoMemory();
  return false;
}

void forget_stalled(Crew* crew, ThreadJob* job) {
  for (size_t left = crew->stalled.size(); left > 0; --left) {
    ThreadJob* other = crew->stalled.pop_front();
    if (other != job) {
      crew->stalled.push_back(other);
    }
  }
  if (crew->is_closed && crew->stalled.empty()) {
    crew->queue.sleepers().wake_all();
  }
}

bool help_with(ThreadJob* job) {
  if (this_worker == nullptr || this_worker->crew != job->crew || job->crew == nullptr) {
    return false;
  }
  Piece piece;
  bool is_last = false;
  if (!job->kind->claim(job, &piece, &is_last)) {
    return false;
  }
  int own = 1; // the thread stays as busy as it is
  job->kind->run(job, piece, &own);
  return true;
}

Waited wait_for(ThreadJob* job, int64_t deadline) {
  if (help_with(job)) {
    return Waited::kWoken;
  }
  if (job->crew != nullptr && job->generation != parallel::process_generation()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "this result was left behind by a fork: the thread that would make it lives in the parent process only; "
                    "submit the task in this process");
    return Waited::kFailed;
  }
  return wait_in(job->waiting, deadline);
}

void release(Crew* crew) {
  if (--crew->references == 0) {
    crew->queue.release();
    crew->stalled.release();
    delete crew;
  }
}

namespace {

// ---------------------------------------------------------------- workers

ThreadJob* claim_next(Crew* crew, Piece* piece) {
  while (!crew->queue.empty()) {
    ThreadJob* job = crew->queue.front();
    const bool is_shared = job->kind->is_shared;
    if (is_shared) {
      Py_INCREF(object_of(job));
    } else {
      crew->queue.pop();
    }
    bool is_last = true;
    const bool is_claimed = job->kind->claim(job, piece, &is_last);
    if (is_shared && (is_last || !is_claimed)) {
      crew->queue.pop();
      Py_DECREF(object_of(job));
    }
    if (is_claimed) {
      return job;
    }
    Py_DECREF(object_of(job));
  }
  return nullptr;
}

// False where the worker's life ends.
bool take_turn(Crew* crew) {
  if (crew->generation != parallel::process_generation()) {
    return false;
  }
  Piece piece;
  ThreadJob* job = claim_next(crew, &piece);
  if (job != nullptr) {
    crew->queue.summon();
    ++crew->busy;
    job->kind->run(job, piece, &crew->busy);
    Py_DECREF(object_of(job));
    return true;
  }
  if (crew->is_closed && crew->stalled.empty()) {
    return false;
  }
  if (wait_in(crew->queue.sleepers(), parallel::kForever) == Waited::kFailed) {
    PyErr_WriteUnraisable(nullptr);
  }
  crew->queue.arrive();
  return true;
}

void work(Crew* crew) {
  while (take_turn(crew)) {
  }
  if (crew->generation == parallel::process_generation()) {
    --crew->live;
    crew->queue.sleepers().wake_all(); // what made this worker go may make others go that slept meanwhile
  }
}

// What a thread holds of a pool: it must not keep the pool itself alive.
struct WorkerObject {
  PyObject_HEAD Crew* crew;
};

PyTypeObject* worker_type = nullptr;

Crew* crew_of_worker(PyObject* self) { return reinterpret_cast<WorkerObject*>(self)->crew; }

PyObject* worker_run(PyObject* self, PyObject* variables) {
  Crew* crew = crew_of_worker(self);
  Worker worker{crew, variables == Py_None ? nullptr : variables};
  this_worker = &worker;
  work(crew);
  this_worker = nullptr;
  Py_RETURN_NONE;
}

void close(Crew* crew) {
  crew->is_closed = true;
  if (crew->generation == parallel::process_generation()) {
    crew->queue.sleepers().wake_all();
  }
}

PyObject* worker_close(PyObject* self, PyObject*) {
  close(crew_of_worker(self));
  Py_RETURN_NONE;
}

// Takes all jobs out of the queue; a list, or null with an exception set.
PyObject* recall_jobs(Crew* crew) {
  PyObject* jobs = PyList_New(0);
  bool is_complete = jobs != nullptr;
  while (is_complete && !crew->stalled.empty()) {
    is_complete = PyList_Append(jobs, object_of(crew->stalled.pop_front())) == 0;
  }
  while (is_complete && !crew->queue.empty()) {
    ThreadJob* job = crew->queue.pop();
    is_complete = PyList_Append(jobs, object_of(job)) == 0;
    Py_DECREF(object_of(job));
  }
  if (!is_complete) {
    Py_CLEAR(jobs);
  }
  return jobs;
}

PyObject* worker_recall(PyObject* self, PyObject*) { return recall_jobs(crew_of_worker(self)); }

// A worker that dies in its initializer does no turn.
PyObject* worker_leave(PyObject* self, PyObject*) {
  --crew_of_worker(self)->live;
  Py_RETURN_NONE;
}

void worker_dealloc(PyObject* self) {
  release(crew_of_worker(self));
  free_object(self);
}

PyMethodDef worker_methods[] = {
    {"run", worker_run, METH_O,
     "Run jobs until the pool is closed and nothing is left; each task sees these context variables besides its own."},
    {"close", worker_close, METH_NOARGS, "Let the workers go when nothing is left to do."},
    {"recall", worker_recall, METH_NOARGS, "Take back what no worker has begun."},
    {"leave", worker_leave, METH_NOARGS, "Count this worker out; it has run nothing."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot worker_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(worker_dealloc)},
    {Py_tp_methods, worker_methods},
    {0, nullptr},
};

PyType_Spec worker_spec = {"hasten._core.Worker", sizeof(WorkerObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           worker_slots};

// ---------------------------------------------------------------- the pool

struct CrewObject {
  PyObject_HEAD Crew* crew;
};

Crew*& crew_of(PyObject* self) { return reinterpret_cast<CrewObject*>(self)->crew; }

PyObject* crew_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    crew_of(self) = new Crew;
  }
  return self;
}

int crew_init(PyObject*, PyObject*, PyObject*) { return 0; }

int crew_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return 0;
}

void crew_dealloc(PyObject* self) {
  withdraw(self);
  Crew* crew = crew_of(self);
  close(crew);
  if (crew->live == 0) {
    Py_XDECREF(recall_jobs(crew)); // nobody is left who would
  }
  release(crew);
  free_object(self);
}

// In a child process: what the parent's threads were to run is not run here, and there are no threads yet.
bool start_anew(PyObject* self, Crew* crew) {
  PyObject* left = recall_jobs(crew);
  if (left == nullptr) {
    return false;
  }
  crew->generation = parallel::process_generation();
  crew->queue.arrive();
  crew->live = 0;
  crew->busy = 0;
  Py_DECREF(left);
  PyObject* done = PyObject_CallMethod(self, "_start_anew", nullptr);
  Py_XDECREF(done);
  return done != nullptr;
}

// The crew, if it takes jobs; otherwise null with an exception set, which Python chooses.
Crew* open_crew(PyObject* self) {
  Crew* crew = crew_of(self);
  if (crew->generation != parallel::process_generation() && !start_anew(self, crew)) {
    return nullptr;
  }
  if (!crew->is_closed) {
    return crew;
  }
  PyObject* done = PyObject_CallMethod(self, "_refuse", nullptr);
  if (done != nullptr) {
    Py_DECREF(done);
    PyErr_SetString(PyExc_RuntimeError, "the pool is closed");
  }
  return nullptr;
}

bool start_worker(PyObject* self, Crew* crew) {
  ++crew->live;
  PyObject* done = PyObject_CallMethod(self, "_add_worker", nullptr);
  if (done == nullptr) {
    --crew->live;
    return false;
  }
  Py_DECREF(done);
  return true;
}

// Enqueues the new job and starts a worker where all others have enough to do. Returns the job.
PyObject* dispatch_job(PyObject* self, Crew* crew, PyObject* job) {
  if (job == nullptr || !enqueue(crew, reinterpret_cast<ThreadJob*>(job), false)) {
    Py_XDECREF(job);
    return nullptr;
  }
  const bool has_idle = static_cast<int>(crew->queue.size()) <= crew->live - crew->busy;
  if (!has_idle && crew->live < crew->most && !start_worker(self, crew)) {
    Py_DECREF(job);
    return nullptr;
  }
  return job;
}

PyObject* submit(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "submit() missing 1 required positional argument: 'fn'");
    return nullptr;
  }
  Crew* crew = open_crew(self);
  return crew == nullptr ? nullptr : dispatch_job(self, crew, make_future(crew, args, count, keywords));
}

template <PyObject* (*Make)(Crew*, PyObject* const*)> PyObject* make_and_dispatch(PyObject* self, PyObject* const* args, Py_ssize_t) {
  Crew* crew = open_crew(self);
  return crew == nullptr ? nullptr : dispatch_job(self, crew, Make(crew, args));
}

PyObject* crew_map(PyObject* self, PyObject* const* args, Py_ssize_t) {
  Crew* crew = open_crew(self);
  PyObject* job = crew == nullptr ? nullptr : make_map(crew, args);
  return job == nullptr || is_ready(job) ? job : dispatch_job(self, crew, job);
}

PyObject* apply_async(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const names[] = {"func", "args", "kwds", "callback", "error_callback", nullptr};
  PyObject* found[5];
  if (!sort_arguments({"apply_async", names, 5, 1}, args, count, keywords, found)) {
    return nullptr;
  }
  Crew* crew = open_crew(self);
  return crew == nullptr ? nullptr : dispatch_job(self, crew, make_apply(crew, found));
}

PyObject* crew_worker(PyObject* self, PyObject*) {
  PyObject* worker = worker_type->tp_alloc(worker_type, 0);
  if (worker != nullptr) {
    reinterpret_cast<WorkerObject*>(worker)->crew = crew_of(self);
    ++crew_of(self)->references;
  }
  return worker;
}

PyObject* crew_close(PyObject* self, PyObject*) {
  close(crew_of(self));
  Py_RETURN_NONE;
}

PyObject* crew_recall(PyObject* self, PyObject*) { return recall_jobs(crew_of(self)); }

PyObject* crew_terminate(PyObject* self, PyObject*) {
  crew_of(self)->is_terminated = true;
  close(crew_of(self));
  return recall_jobs(crew_of(self));
}

PyObject* crew_lift_windows(PyObject* self, PyObject*) {
  Crew* crew = crew_of(self);
  crew->has_no_windows = true;
  while (!crew->stalled.empty()) {
    if (!enqueue(crew, crew->stalled.pop_front(), false)) {
      return nullptr;
    }
  }
  Py_RETURN_NONE;
}

PyObject* crew_set_size(PyObject* self, PyObject* size) {
  const long most = PyLong_AsLong(size);
  if (most == -1 && PyErr_Occurred() != nullptr) {
    return nullptr;
  }
  crew_of(self)->most = static_cast<int>(most);
  Py_RETURN_NONE;
}

PyObject* crew_fill(PyObject* self, PyObject*) {
  Crew* crew = crew_of(self);
  while (crew->live < crew->most && !crew->is_closed) { // an initializer that raises closes the pool
    if (!start_worker(self, crew)) {
      return nullptr;
    }
  }
  Py_RETURN_NONE;
}

PyObject* crew_is_foreign(PyObject* self, PyObject*) {
  return PyBool_FromLong(crew_of(self)->generation != parallel::process_generation() ? 1 : 0);
}

PyMethodDef crew_methods[] = {
    {"_submit", python_method(submit), METH_FASTCALL | METH_KEYWORDS,
     "submit($self, fn, /, *args, **kwargs)\n--\n\nRun fn(*args, **kwargs) in a worker; return its future."},
    {"_apply_async", python_method(apply_async), METH_FASTCALL | METH_KEYWORDS,
     "apply_async($self, func, args=(), kwds={}, callback=None, error_callback=None)\n--\n\nRun func(*args, **kwds) in a worker; return "
     "its AsyncResult."},
    {"_map_job", python_method(crew_map), METH_FASTCALL, nullptr},
    {"_imap_job", python_method(make_and_dispatch<make_imap>), METH_FASTCALL, nullptr},
    {"_worker", crew_worker, METH_NOARGS, "What a new thread needs of the pool."},
    {"_close", crew_close, METH_NOARGS, "Take no more jobs; workers go when nothing is left to do."},
    {"_recall", crew_recall, METH_NOARGS, "Take back what no worker has begun."},
    {"_terminate", crew_terminate, METH_NOARGS, "Close, and take back what no worker has begun."},
    {"_lift_windows", crew_lift_windows, METH_NOARGS, "Let iterations run on whether or not their results are read."},
    {"_set_size", crew_set_size, METH_O, "Set how many threads there may be."},
    {"_fill", crew_fill, METH_NOARGS, "Start all threads that there may be."},
    {"_is_foreign", crew_is_foreign, METH_NOARGS, "Whether the threads were left behind by a fork."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot crew_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(crew_new)},
    {Py_tp_init, reinterpret_cast<void*>(crew_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(crew_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(crew_traverse)},
    {Py_tp_methods, crew_methods},
    {Py_tp_doc, const_cast<char*>("A queue of jobs and the threads that run them: the base of pools and executors.")},
    {0, nullptr},
};

PyType_Spec crew_spec = {"hasten._core.Crew", sizeof(CrewObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                         crew_slots};

} // namespace

bool init_thread_crew(PyObject* module) {
  worker_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&worker_spec));
  return worker_type != nullptr && add_type(module, "Crew", &crew_spec) != nullptr;
}

} // namespace hasten::bindings
