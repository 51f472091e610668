#pragma once

#include "hasten/bindings/ending.h"

namespace hasten::bindings {

// A fork copies one thread. Whatever another thread was in the middle of (a lock of LLVM's, a static variable's first use) stays in the
// middle for ever in the child. So a fork waits until no thread is inside the engine, and threads that ask Python for something are
// outside meanwhile: the one that forks holds the GIL.
void install_fork_gate();

namespace fork_gate {

class Inside {
public:
  Inside();
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

// Of a thread that is not inside: does nothing.
class Outside {
public:
  Outside();
  ~Outside();
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

private:
  bool was_inside_;
};

} // namespace fork_gate

// The engine's work on its own, such as a compilation.
class WithoutGil {
  GilReleased release_;
  fork_gate::Inside inside_;
};

// A question to Python in the middle of it. No lock of the engine may be held.
class WithGil {
  fork_gate::Outside outside_;
  GilHeld held_;
};

} // namespace hasten::bindings
