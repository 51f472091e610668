// Runs commands side by side for one client, in one thread: an epoll loop over the client's socket, the pipes of the commands and the
// signals that their ends are. A process of its own, for three reasons: it can be a subreaper, so that no grandchild is lost, which would
// change what the client's process sees; it outlives a client that is killed, for long enough to end what that has started; and it is
// small, so that starting programs is cheap, however large the client is.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hasten/programs/job.h"
#include "hasten/programs/messages.h"

namespace hasten::programs {

class Server {
public:
  // `client`: a stream socket. `client_pid`: whose end is the end of everything, even while a fork of it holds the socket.
  // `begun`: counts the commands, in memory that the client shares and that outlives this object.
  Server(base::FileDescriptor client, pid_t client_pid, size_t most_jobs, std::atomic<uint64_t>* begun);

  // Returns when the client has hung up and nothing runs any more.
  void serve();

private:
  using Jobs = std::unordered_map<uint64_t, std::unique_ptr<Job>>;

  int milliseconds_left() const;
  void handle_client(uint32_t events);
  void handle_pipes();
  void read_pipe(Job& job, uint8_t stream);
  void reap();
  void start_waiting();
  void start_next();
  void refuse(const Request& request, const StartError& error);
  void undo_start(Job& job, const StartError& error);
  void watch(Job& job);
  void tick();
  void finish_if_over(Job& job);
  void hang_up();
  void cancel();
  void drop_waiting();
  bool is_holding() const;
  void flush();
  void set_paused(bool is_paused);

  base::FileDescriptor client_;
  base::FileDescriptor client_process_;
  base::FileDescriptor signals_;
  base::FileDescriptor epoll_; // client, client's process, signals, and the pipes' epoll
  base::FileDescriptor pipes_; // apart, so that they can be left alone all at once while the client doesn't read
  std::optional<Spawner> spawner_;
  size_t most_jobs_;
  std::atomic<uint64_t>* begun_;
  std::deque<std::unique_ptr<Request>> waiting_;
  size_t tried_ = 0;      // of those, the first ones that have begun before
  bool is_short_ = false; // of something that a command will give back when it ends
  Jobs jobs_;
  std::unordered_map<pid_t, Job*> by_pid_;
  MessageReader reader_;
  std::string answers_;
  size_t answered_ = 0;
  int64_t held_since_ = 0; // when answers were sent last
  bool is_paused_ = false;
  bool is_flushing_ = false; // EPOLLOUT is asked for
  bool is_ending_ = false;
  bool was_cancelled_ = false;
  std::vector<char> buffer_;
};

} // namespace hasten::programs
