// What workers write to stderr passes through this process, which keeps the end of it for the report of a death.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hasten/base/posix.h"

namespace hasten::pool {

// The stderr of one worker, and of the processes that it starts.
class StderrStream {
public:
  explicit StderrStream(base::FileDescriptor source) : source_(std::move(source)) {}
  // The last kilobytes that came, from the beginning of a line where there is one.
  std::string tail() const;

private:
  friend class StderrRelay;
  static constexpr size_t kKept = 16384; // what faulthandler says of a few threads, whole
  void keep(std::string_view text);

  base::FileDescriptor source_;
  mutable std::mutex mutex_;
  std::string kept_;
};

// One thread for all pools of the process passes bytes on as they come, unchanged; it sleeps while nobody writes. Nothing waits for the end
// of a stream, since the children of a worker may hold it for as long as they like.
class StderrRelay {
public:
  struct Opened {
    std::shared_ptr<StderrStream> stream;
    base::FileDescriptor worker_end; // what the worker is to take for its stderr: a terminal where this process's is one
  };

  // Null where there is no stderr, or nothing left to make a stream of: the worker then keeps the stderr that it has.
  static Opened open();

  // Whether something that workers have written is on its way.
  static bool is_behind();
  // Waits until what workers have written before is where it belongs, but not for ever: somebody may have to read it there.
  static void catch_up();

private:
  StderrRelay();
  static StderrRelay& instance(); // the registry is locked
  static void begin_anew_after_fork();
  void add(const std::shared_ptr<StderrStream>& stream);
  void run();
  void serve(StderrStream& stream);
  void close(StderrStream& stream);
  bool has_input() const;
  void wait_for_round();

  base::FileDescriptor epoll_;
  std::vector<std::shared_ptr<StderrStream>> streams_; // by the registry's lock
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t begun_ = 0;    // rounds of the thread
  uint64_t finished_ = 0; // of these; by mutex_, as begun_
  std::atomic<bool> is_busy_{false};
  std::atomic<bool> is_stuck_{false}; // whoever reads this process's stderr does not
  std::string buffer_;

  static inline std::atomic<StderrRelay*> current_{nullptr};
};

} // namespace hasten::pool
