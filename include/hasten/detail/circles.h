// Threads that wait for what other threads compute never wait in a circle.
#pragma once

#include <thread>

#include "hasten/base/export.h"

namespace hasten::detail {

// While it lives, the calling thread waits for what another one does; unless that one waits for this one, directly or not.
class HASTEN_API WaitFor {
public:
  explicit WaitFor(std::thread::id other);
  ~WaitFor();
  WaitFor(const WaitFor&) = delete;
  WaitFor& operator=(const WaitFor&) = delete;

  bool is_circle() const { return is_circle_; }

private:
  bool is_circle_;
};

} // namespace hasten::detail
