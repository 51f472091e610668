// Whose turn it is to lead a pool's other threads.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

// A lock for `with`, which tells whether this thread has it and never waits; a thread may have it several times. No exception of a signal's
// handler comes between the taking and the block, as it does between `acquire()` and `try`. Guarded by the GIL.
class PoolTurn {
public:
  bool enter() {
    const unsigned long me = PyThread_get_thread_ident();
    if (depth_ > 0 && owner_ != me) {
      return false;
    }
    owner_ = me;
    ++depth_;
    return true;
  }

  // A block that did not get it has nothing to give back: what it did not get, another thread had all the while or has left to nobody.
  void exit() {
    if (depth_ > 0 && owner_ == PyThread_get_thread_ident()) {
      --depth_;
    }
  }

private:
  unsigned long owner_ = 0;
  int depth_ = 0;
};

inline void add_pool_turn(nanobind::module_& m) {
  nanobind::class_<PoolTurn>(m, "PoolTurn", "Whose turn it is to lead: `with turn as mine` never waits, and may be nested.")
      .def(nanobind::init<>())
      .def("__enter__", &PoolTurn::enter)
      .def(
          "__exit__", [](PoolTurn& self, const nanobind::args&) { self.exit(); },
          nanobind::sig("def __exit__(self, *args: object) -> None"));
}

} // namespace hasten::bindings
