// What Hasten throws. Everything derives from hasten::Error, which is a std::runtime_error; what a task of a thread throws travels as it
// is.
#pragma once

#include <stdexcept>
#include <string>

#include "hasten/base/export.h"

namespace hasten {

// Something was used against its rules, or the machine denied something; what() says which, and the way out.
class HASTEN_API Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// An item was put into a channel that is closed.
class HASTEN_API ChannelClosed : public Error {
public:
  ChannelClosed() : Error("the channel is closed: nothing can be put into it any more") {}
};

// The task was taken back before anybody had started it.
class HASTEN_API Cancelled : public Error {
public:
  Cancelled() : Error("the task was cancelled before it was started") {}
};

// A task in a worker process threw: what() is what the exception's what() said.
class HASTEN_API TaskFailed : public Error {
public:
  TaskFailed(std::string type, const std::string& what) : Error(what), type_(std::move(type)) {}

  // The exception's type, as the worker calls it: "std::out_of_range".
  const std::string& type() const noexcept { return type_; }

private:
  std::string type_;
};

// The worker process ended while it ran the task.
class HASTEN_API WorkerDied : public Error {
public:
  WorkerDied(const std::string& what, int signal, int exit_status) : Error(what), signal_(signal), exit_status_(exit_status) {}

  // The signal that ended it, or 0.
  int signal() const noexcept { return signal_; }
  // What it exited with, or -1 where a signal ended it, or nobody knows.
  int exit_status() const noexcept { return exit_status_; }

private:
  int signal_;
  int exit_status_;
};

// The task took longer than ProcessPoolOptions::timeout; its worker was killed and replaced.
class HASTEN_API TaskTimedOut : public Error {
public:
  using Error::Error;
};

// The worker used more memory than ProcessPoolOptions::max_memory; it was killed and replaced.
class HASTEN_API WorkerOutOfMemory : public Error {
public:
  using Error::Error;
};

} // namespace hasten
