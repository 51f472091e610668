// How threads leave the engine of a pool before the interpreter ends.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace hasten::bindings {

// A thread that asks for the GIL when the interpreter has ended is unwound by force, which C++ code that catches everything does not
// survive. So before the interpreter ends, every thread but the one that ends it is out of the engine, or stays in it for ever.
class Ending {
public:
  // A thread inside the engine; one thread may have several.
  class Presence {
  public:
    Presence() {
      if (depth_++ == 0) {
        ++inside_;
      }
    }
    ~Presence() {
      if (--depth_ == 0) {
        --inside_;
      }
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

    // Called without the GIL; does not return where the interpreter is about to end.
    static void stay_if_over() {
      if (is_over_ && pthread_self() != last_) {
        --inside_;
        for (;;) {
          pause();
        }
      }
    }
  };

  // Does something without the GIL, and takes it again only where the interpreter isn't about to end.
  template <typename Work> static void without_gil(Work work) {
    const Presence presence;
    PyThreadState* state = PyEval_SaveThread();
    work();
    Presence::stay_if_over();
    PyEval_RestoreThread(state);
  }

  static bool is_over() { return is_over_; }

  // Called with the GIL. `wake` makes threads that wait look again.
  template <typename Wake> static void begin(Wake wake) {
    last_ = pthread_self();
    is_over_ = true;
    for (int turn = 0; inside_ > 0 && turn < kTurns; ++turn) {
      wake();
      const nanobind::gil_scoped_release release;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

private:
  static constexpr int kTurns = 1000;
  static inline std::atomic<bool> is_over_{false};
  static inline std::atomic<int> inside_{0};
  static inline thread_local int depth_ = 0;
  static inline pthread_t last_{};
};

} // namespace hasten::bindings
