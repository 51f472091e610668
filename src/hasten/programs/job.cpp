#include "hasten/programs/job.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace hasten::programs {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
// How long others may still write to the pipes of a command that has ended.
constexpr int64_t kLinger = 1'000 * kMillisecond;
// How often a tree is looked at whose root has ended on SIGTERM, until its grace is over.
constexpr int64_t kLook = 10 * kMillisecond;

int64_t nanoseconds(const timeval& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000; }

// The files that tell an orphan of this command from those of others.
std::vector<struct stat> identities(const Request& request, const Started& started) {
  std::vector<struct stat> found;
  struct stat status{};
  if (request.mode == OutputMode::kFile) {
    for (const std::string& path : {request.output_path, request.error_path}) {
      if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
        found.push_back(status);
      }
    }
  }
  for (const int fd : {started.output.get(), started.error.get()}) {
    if (fd >= 0 && ::fstat(fd, &status) == 0) {
      found.push_back(status);
    }
  }
  return found;
}

} // namespace

int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Job::Job(std::unique_ptr<Request> request, Started started, int64_t unwatched)
    : request_(std::move(request)), started_(std::move(started)), tree_(started_.pid, identities(*request_, started_)), started_at_(now()),
      watch_at_(is_piped() ? started_at_ + unwatched : kNever) {
  if (request_->timeout >= 0) {
    deadline_ = request_->timeout < kNever - started_at_ ? started_at_ + request_->timeout : kNever;
  }
}

Outcome Job::outcome() const {
  return {.index = request_->index,
          .status = status_,
          .timed_out = timed_out_,
          .wall_time = ended_at_ - started_at_,
          .cpu_time = nanoseconds(used_.ru_utime) + nanoseconds(used_.ru_stime),
          .peak_memory = used_.ru_maxrss * 1024};
}

void Job::write_input() {
  while (started_.input && written_ < request_->input.size()) {
    const ssize_t count = ::write(started_.input.get(), request_->input.data() + written_, request_->input.size() - written_);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return;
    }
    if (count < 0) {
      break; // nobody reads it any more, which is the command's affair
    }
    written_ += static_cast<size_t>(count);
  }
  started_.input.reset(); // the request keeps what was written, for another try
}

std::string_view Job::read_output(uint8_t stream, char* buffer, size_t size) {
  base::FileDescriptor& end = stream == 1 ? started_.output : started_.error;
  if (!end) {
    return {};
  }
  const ssize_t count = ::read(end.get(), buffer, size);
  if (count > 0) {
    return {buffer, static_cast<size_t>(count)};
  }
  if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    end.reset();
    settle();
  }
  return {};
}

void Job::exited(int status, const rusage& used) {
  has_exited_ = true;
  status_ = status;
  used_ = used;
  ended_at_ = now();
  if (phase_ == Phase::kRunning) {
    phase_ = Phase::kLingering;
    deadline_ = std::min(deadline_, ended_at_ + kLinger);
  } else if (phase_ == Phase::kTerminating) {
    deadline_ = ended_at_; // the rest of the tree may be gone, too
  }
  settle();
}

// Finds out whether it is over by itself.
void Job::settle() {
  if (has_exited_ && phase_ == Phase::kLingering && !is_piped()) {
    is_over_ = true;
    started_.input.reset();
  }
}

void Job::end(int64_t grace) {
  if (phase_ == Phase::kTerminating || phase_ == Phase::kKilled) {
    kill_at_ = std::min(kill_at_, now() + grace);
    deadline_ = std::min(deadline_, kill_at_);
    return;
  }
  phase_ = Phase::kTerminating;
  kill_at_ = deadline_ = now() + grace;
  if (has_exited_) {
    deadline_ = now();
  }
  if (request_->kills_tree) {
    tree_.signal(SIGTERM);
  } else if (!has_exited_) {
    ::kill(pid(), SIGTERM);
  }
}

void Job::tick(int64_t time, bool is_blocked) {
  switch (phase_) {
  case Phase::kRunning:
    timed_out_ = true;
    end(request_->grace);
    return;
  case Phase::kLingering:
    if (is_blocked) {
      deadline_ = time + kLinger;
      return;
    }
    kill();
    return;
  case Phase::kTerminating:
    if (has_exited_ && (!request_->kills_tree || !tree_.is_alive())) {
      is_over_ = true;
    } else if (time >= kill_at_) {
      kill();
    } else {
      deadline_ = has_exited_ ? std::min(kill_at_, time + kLook) : kill_at_;
    }
    return;
  case Phase::kKilled:
    is_over_ = has_exited_;
    deadline_ = time + kLook;
    return;
  }
}

void Job::kill() {
  phase_ = Phase::kKilled;
  if (request_->kills_tree) {
    tree_.kill();
  } else if (!has_exited_) {
    ::kill(pid(), SIGKILL);
  }
  is_over_ = has_exited_;
  deadline_ = now() + kLook;
}

} // namespace hasten::programs
