#include "hasten/bindings/ending.h"

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// Milliseconds for which the end waits.
constexpr int kPatience = 1000;
// Of multiprocessing's finalizers: after all pools were terminated.
constexpr int kLast = -100;

std::atomic<bool> has_begun{false};
std::atomic<int> present{0};
thread_local int depth = 0;
pthread_t last_thread{};

bool must_stay() { return has_begun && pthread_self() != last_thread; }

// A thread without the GIL is not waited for: it stays when it comes back.
void go_out() {
  if (depth > 0) {
    --present;
  }
}

void come_back() {
  if (depth == 0) {
    return;
  }
  ++present;
  if (must_stay()) {
    --present;
    stay_for_ever();
  }
}

// Of a scope in which the GIL is held: where it isn't, this thread is being unwound, and what is further out may need Python.
void stay_if_unwound() {
  if (PyGILState_Check() == 0) {
    stay_for_ever();
  }
}

// Needs the GIL.
void begin() {
  last_thread = pthread_self();
  has_begun = true;
  for (int turn = 0; present > 0 && turn < kPatience; ++turn) {
    const GilReleased others_run;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// What multiprocessing does at the end may still need the pools' threads.
void begin_last() {
  const nb::dict modules = nb::module_::import_("sys").attr("modules");
  const nb::object util = modules.get("multiprocessing.util", nb::none());
  if (util.is_none() || nb::cast<bool>(util.attr("_exiting"))) {
    begin();
  } else {
    util.attr("Finalize")(nb::none(), nb::cpp_function(begin), nb::arg("exitpriority") = kLast);
  }
}

// nanobind catches everything that leaves a function, and knows only C++'s exceptions: a thread that is unwound by force has none.
void catch_the_unwound() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    if (thrown == nullptr) {
      stay_for_ever();
    }
    std::rethrow_exception(thrown);
  });
}

} // namespace

void stay_for_ever() {
  for (;;) {
    pause();
  }
}

GilReleased::GilReleased() : state_(PyEval_SaveThread()) { go_out(); }

GilReleased::~GilReleased() {
  come_back();
  take_gil_again(state_);
}

GilHeld::GilHeld() : was_held_(PyGILState_Check() != 0) {
  if (!was_held_) {
    come_back();
  }
  state_ = call_python([] { return PyGILState_Ensure(); });
}

GilHeld::~GilHeld() {
  stay_if_unwound();
  PyGILState_Release(state_);
  if (!was_held_) {
    go_out();
  }
}

void take_gil_again(PyThreadState* state) {
  call_python([state] { PyEval_RestoreThread(state); });
}

Presence::Presence() {
  if (must_stay()) {
    PyEval_SaveThread();
    stay_for_ever();
  }
  if (depth++ == 0) {
    ++present;
  }
}

Presence::~Presence() {
  stay_if_unwound();
  if (--depth == 0) {
    --present;
  }
}

void init_ending() {
  catch_the_unwound();
  pthread_atfork(nullptr, nullptr, [] { present = depth > 0 ? 1 : 0; });
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(begin_last));
}

} // namespace hasten::bindings
