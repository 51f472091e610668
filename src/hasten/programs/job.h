// One running command: its process, its pipes, its clock.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include "hasten/programs/process_tree.h"
#include "hasten/programs/spawn.h"

namespace hasten::programs {

// Monotonic, in nanoseconds.
int64_t now();

constexpr int64_t kNever = INT64_MAX;

// Belongs to the server's one thread. The server tells it what happened; it acts on its processes by itself.
class Job {
public:
  // `unwatched`: nanoseconds for which nobody needs to look at its pipes.
  Job(std::unique_ptr<Request> request, Started started, int64_t unwatched);

  const Request& request() const { return *request_; }
  // For another try.
  std::unique_ptr<Request> take_request() { return std::move(request_); }
  pid_t pid() const { return started_.pid; }
  const Started& ends() const { return started_; }
  // When `tick` is to be called.
  int64_t deadline() const { return deadline_; }
  // When its pipes are to be watched; never once they are.
  int64_t watch_at() const { return watch_at_; }
  void set_watched() { watch_at_ = kNever; }
  // Its process has ended and nobody writes any more, or what it left behind was ended.
  bool is_over() const { return is_over_; }
  Outcome outcome() const;
  // Once its process has ended: what kept it from executing the program.
  StartError start_error() const { return started_.launch->error(); }

  // Writes what the command takes of its input now.
  void write_input();
  // Reads a piece of stream 1 or 2 into `buffer`; nothing where nothing came. Closes the pipe at its end.
  std::string_view read_output(uint8_t stream, char* buffer, size_t size);
  // The process has ended and was waited for.
  void exited(int status, const rusage& used);
  // Sends SIGTERM, and SIGKILL after `grace` nanoseconds.
  void end(int64_t grace);
  // The deadline has passed. `is_blocked`: there may be output that the server doesn't read for now.
  void tick(int64_t time, bool is_blocked);

private:
  enum class Phase { kRunning, kLingering, kTerminating, kKilled };

  void settle();
  void kill();
  bool is_piped() const { return started_.output || started_.error; }

  std::unique_ptr<Request> request_;
  Started started_;
  ProcessTree tree_;
  size_t written_ = 0; // of the input
  int64_t started_at_ = 0;
  int64_t ended_at_ = 0;
  int64_t deadline_ = kNever;
  int64_t kill_at_ = kNever;
  int64_t watch_at_;
  Phase phase_ = Phase::kRunning;
  bool has_exited_ = false;
  bool is_over_ = false;
  bool timed_out_ = false;
  int status_ = 0;
  rusage used_{};
};

} // namespace hasten::programs
