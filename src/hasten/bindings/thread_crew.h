// The workers of a pool of threads, and what they run. The GIL guards all of it.
#pragma once

#include <Python.h>

#include "hasten/bindings/thread_wait.h"
#include "hasten/parallel/work_queue.h"

namespace hasten::bindings {

struct Crew;
struct ThreadJob;

// Some of a job's tasks, claimed by one thread.
struct Piece {
  Py_ssize_t begin = 0;
  Py_ssize_t end = 0;
};

struct JobKind {
  // Whether it stays in the queue until all is claimed; then `claim` runs no Python code.
  bool is_shared;
  // False where nothing is left. `is_last`: nothing is left for others now.
  bool (*claim)(ThreadJob* job, Piece* piece, bool* is_last);
  // Runs what was claimed. Decrements `busy` before anybody can learn of the last result.
  void (*run)(ThreadJob* job, const Piece& piece, int* busy);
  // Gives up what nobody has claimed: it ends with this exception.
  void (*abandon)(ThreadJob* job, PyObject* exception);
};

// The beginning of every object that stands for a task or many: a future, an AsyncResult, an iterator over results.
struct ThreadJob {
  PyObject_HEAD const JobKind* kind;
  Crew* crew;                 // null: none
  PyObject* context;          // the context variables of whoever submitted it
  parallel::WaitList waiting; // threads that want its end
  uint32_t generation;        // of the process that it belongs to
};

inline PyObject* object_of(ThreadJob* job) { return reinterpret_cast<PyObject*>(job); }

// Shared by the pool, its threads and its jobs.
struct Crew {
  parallel::WorkQueue<ThreadJob*> queue; // owns references
  parallel::Ring<ThreadJob*> stalled;    // iterations whose results nobody reads; borrowed
  long references = 1;
  int most = 0; // threads that it may have
  int live = 0;
  int busy = 0;
  bool is_closed = false;
  bool is_terminated = false;
  bool has_no_windows = false; // since somebody waits for the end of all
  uint32_t generation = parallel::process_generation();
};

void release(Crew* crew);

// Binds a new job to a crew, with the context of this thread. False with an exception set.
bool attach(ThreadJob* job, const JobKind* kind, Crew* crew);
void detach(ThreadJob* job);

// Puts a job before or behind the others, and wakes a worker for it. False with an exception set.
bool enqueue(Crew* crew, ThreadJob* job, bool first);

// Takes an iteration out of `stalled`; where it was the last thing that workers stay for, they go.
void forget_stalled(Crew* crew, ThreadJob* job);

// Waits for a change of the job; a worker first runs what nobody has begun of a job of its own pool, so that tasks may wait for tasks.
Waited wait_for(ThreadJob* job, int64_t deadline);

// Runs what is left of the job here, where this thread is a worker of its pool. Returns whether it did anything.
bool help_with(ThreadJob* job);

// Calls as function(*args, **keywords) in a context of its own; `context` is entered itself, so it must be nobody else's.
PyObject* call_in_context(PyObject* context, PyObject* function, PyObject* const* args, size_t count, PyObject* keywords);

bool init_thread_crew(PyObject* module);

} // namespace hasten::bindings
