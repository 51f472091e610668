// The process that workers are forked from: a copy of this one as it was, with a single thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <sys/types.h>

#include "hasten/base/posix.h"

namespace hasten::detail {

// Any thread may call anything. The template ends, and kills its workers, when this object or this process ends.
class TemplateProcess {
public:
  // `initializer` is run in each worker. Throws a Diagnostic where there can be no process.
  explicit TemplateProcess(const std::function<void()>& initializer);
  ~TemplateProcess();
  TemplateProcess(const TemplateProcess&) = delete;
  TemplateProcess& operator=(const TemplateProcess&) = delete;

  // A new worker at the end of a lane; its process id stays valid until it is reaped. Throws a Diagnostic.
  pid_t fork_worker(int lane_fd, int bell_fd, uint64_t most_tasks);
  // Waits for the end of a worker: its status, as waitpid() gives it; nothing where nobody knows any more.
  std::optional<int> reap(pid_t worker);

private:
  std::mutex mutex_;
  base::FileDescriptor socket_;
  pid_t pid_ = 0;
};

} // namespace hasten::detail
