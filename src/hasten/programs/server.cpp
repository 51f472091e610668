#include "hasten/programs/server.h"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace hasten::programs {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
// Between SIGTERM and SIGKILL where the client has no patience any more.
constexpr int64_t kCancelGrace = 300 * kMillisecond;
constexpr size_t kPiece = size_t{64} * 1024;
// Answers that wait for the client; above it, the pipes are left alone.
constexpr size_t kMostWaiting = size_t{1} << 20;
constexpr int kMostEvents = 64;
constexpr size_t kMostSignals = 4; // of one kind there is never more than one
// A command that ends sooner has its pipes read once, when it has ended, so that its end wakes this process once.
constexpr int64_t kUnwatched = 1 * kMillisecond;
// Outcomes wait so long for others while more commands are at hand than run, so that the client is woken once for all of them.
constexpr int64_t kMostHeld = 10 * kMillisecond;

enum : uint64_t { kClient, kClientProcess, kSignals, kPipes };

void add(int epoll, int fd, uint32_t events, uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    base::system_error("Can't watch a descriptor");
  }
}

// The tag of a pipe: the command's index and the stream.
uint64_t pipe_tag(uint64_t index, uint8_t stream) { return index << 2 | stream; }

base::FileDescriptor checked(int fd, const char* what) {
  if (fd < 0) {
    base::system_error(what);
  }
  return base::FileDescriptor(fd);
}

} // namespace

Server::Server(base::FileDescriptor client, pid_t client_pid, size_t most_jobs, std::atomic<uint64_t>* begun)
    : client_(std::move(client)), most_jobs_(most_jobs), begun_(begun), buffer_(kPiece) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGCHLD, SIG_DFL); // where it is ignored, the system tells nobody how a process ended
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int signal : {SIGPIPE, SIGXFSZ}) { // which Python ignores, and commands must not
    ::signal(signal, SIG_DFL);
    ::sigaddset(&blocked, signal);
  }
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) {
    ::sigaddset(&watched, signal);
  }
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, &blocked, &mask);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::sigdelset(&mask, SIGCHLD);
  spawner_.emplace(mask);
  signals_ = checked(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK), "Can't watch signals");
  client_process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, client_pid, 0)));
  epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "Can't make an epoll");
  pipes_ = checked(::epoll_create1(EPOLL_CLOEXEC), "Can't make an epoll");
  add(epoll_.get(), client_.get(), EPOLLIN, kClient);
  if (client_process_) {
    add(epoll_.get(), client_process_.get(), EPOLLIN, kClientProcess);
  }
  add(epoll_.get(), signals_.get(), EPOLLIN, kSignals);
  add(epoll_.get(), pipes_.get(), EPOLLIN, kPipes);
}

void Server::serve() {
  while (!is_ending_ || !jobs_.empty()) {
    epoll_event events[kMostEvents];
    const int count = ::epoll_wait(epoll_.get(), events, kMostEvents, milliseconds_left());
    for (int i = 0; i < count; ++i) {
      switch (events[i].data.u64) {
      case kClient:
        handle_client(events[i].events);
        break;
      case kClientProcess:
        hang_up();
        break;
      case kSignals:
        reap();
        break;
      default:
        handle_pipes();
      }
    }
    tick();
    start_waiting();
    flush();
  }
  if (was_cancelled_) {
    kill_descendants();
  }
}

int Server::milliseconds_left() const {
  int64_t deadline = is_holding() ? held_since_ + kMostHeld : kNever;
  for (const auto& [index, job] : jobs_) {
    deadline = std::min({deadline, job->deadline(), job->watch_at()});
  }
  if (deadline == kNever) {
    return -1;
  }
  const int64_t left = std::max<int64_t>(deadline - now(), 0) / kMillisecond + 1;
  return static_cast<int>(std::min<int64_t>(left, 3'600'000));
}

void Server::handle_client(uint32_t events) {
  if (!client_ || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  const ssize_t count = ::recv(client_.get(), reader_.room(kPiece), kPiece, MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    hang_up();
    return;
  }
  reader_.add(count > 0 ? static_cast<size_t>(count) : 0);
  while (const auto message = reader_.next()) {
    if (message->kind == Kind::kRun && !was_cancelled_) {
      waiting_.push_back(std::make_unique<Request>(read_request(message->body)));
    }
  }
}

// A client that hangs up while commands run doesn't want them any more.
void Server::hang_up() {
  if (client_process_) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client_process_.get(), nullptr);
    client_process_.reset();
  }
  client_.reset();
  drop_waiting();
  set_paused(false);
  is_ending_ = true;
  if (!jobs_.empty()) {
    cancel();
  }
}

void Server::drop_waiting() {
  waiting_.clear();
  tried_ = 0;
}

void Server::cancel() {
  was_cancelled_ = true;
  drop_waiting();
  for (const auto& [index, job] : jobs_) {
    job->end(kCancelGrace);
  }
}

void Server::reap() {
  signalfd_siginfo infos[kMostSignals];
  const ssize_t size = ::read(signals_.get(), infos, sizeof infos);
  const auto count = static_cast<size_t>(std::max<ssize_t>(size, 0)) / sizeof infos[0];
  const bool is_told_to_end = std::any_of(infos, infos + count, [](const auto& info) { return info.ssi_signo != SIGCHLD; });
  int status = 0;
  rusage used{};
  for (pid_t pid = 0; (pid = ::wait4(-1, &status, WNOHANG, &used)) > 0;) {
    const auto found = by_pid_.find(pid);
    if (found == by_pid_.end()) {
      continue; // an orphan
    }
    Job& job = *found->second;
    by_pid_.erase(found);
    if (const StartError error = job.start_error(); error.error != 0) {
      undo_start(job, error);
      continue;
    }
    job.exited(status, used);
    for (uint8_t stream = 1; stream <= 2 && !is_paused_; ++stream) {
      read_pipe(job, stream);
    }
    finish_if_over(job);
  }
  if (is_told_to_end) {
    hang_up(); // what the client doesn't know of is lost to it, whoever killed it
  }
}

void Server::handle_pipes() {
  epoll_event events[kMostEvents];
  const int count = ::epoll_wait(pipes_.get(), events, kMostEvents, 0);
  for (int i = 0; i < count; ++i) {
    const auto found = jobs_.find(events[i].data.u64 >> 2);
    if (found == jobs_.end()) {
      continue;
    }
    Job& job = *found->second;
    const auto stream = static_cast<uint8_t>(events[i].data.u64 & 3);
    if (stream == 0) {
      job.write_input();
    } else {
      read_pipe(job, stream);
    }
    finish_if_over(job);
  }
}

// One piece a turn, so that a command that never stops writing holds nobody up; several that are short, which finds the end at once.
void Server::read_pipe(Job& job, uint8_t stream) {
  for (size_t taken = 0; taken < kPiece;) {
    const std::string_view piece = job.read_output(stream, buffer_.data(), buffer_.size());
    if (piece.empty()) {
      return;
    }
    if (client_) {
      append_output(answers_, job.request().index, stream, piece);
    }
    taken += piece.size();
  }
}

void Server::start_waiting() {
  while (!waiting_.empty() && jobs_.size() < most_jobs_ && !is_short_) {
    start_next();
  }
}

void Server::start_next() {
  const bool is_first_try = tried_ == 0;
  if (is_first_try) {
    begun_->fetch_add(1);
  }
  StartError error;
  Started started = spawner_->start(*waiting_.front(), &error);
  if (error.is_shortage() && !jobs_.empty()) {
    tried_ = std::max<size_t>(tried_, 1);
    is_short_ = true;
    return;
  }
  std::unique_ptr<Request> request = std::move(waiting_.front());
  waiting_.pop_front();
  tried_ -= is_first_try ? 0 : 1;
  if (error.error != 0) {
    refuse(*request, error);
    return;
  }
  const uint64_t index = request->index;
  auto job = std::make_unique<Job>(std::move(request), std::move(started), kUnwatched);
  by_pid_[job->pid()] = job.get();
  job->write_input();
  if (job->ends().input) {
    watch(*job);
  }
  jobs_[index] = std::move(job);
}

void Server::refuse(const Request& request, const StartError& error) {
  append_outcome(answers_, {.index = request.index, .error = error.error, .failure = error.failure});
  if (request.halts) {
    cancel();
  }
}

// The program of a process that has ended was not executed.
void Server::undo_start(Job& job, const StartError& error) {
  std::unique_ptr<Request> request = job.take_request();
  jobs_.erase(request->index);
  is_short_ = error.is_shortage() && !jobs_.empty() && !was_cancelled_;
  if (is_short_) {
    waiting_.push_front(std::move(request));
    ++tried_;
  } else {
    refuse(*request, error);
  }
}

void Server::watch(Job& job) {
  job.set_watched();
  const uint64_t index = job.request().index;
  const Started& ends = job.ends();
  if (ends.input) {
    add(pipes_.get(), ends.input.get(), EPOLLOUT, pipe_tag(index, 0));
  }
  if (ends.output) {
    add(pipes_.get(), ends.output.get(), EPOLLIN, pipe_tag(index, 1));
  }
  if (ends.error) {
    add(pipes_.get(), ends.error.get(), EPOLLIN, pipe_tag(index, 2));
  }
}

void Server::tick() {
  const int64_t time = now();
  std::vector<Job*> due;
  for (const auto& [index, job] : jobs_) {
    if (job->watch_at() <= time) {
      watch(*job);
    }
    if (job->deadline() <= time) {
      due.push_back(job.get());
    }
  }
  for (Job* job : due) {
    job->tick(time, is_paused_);
    finish_if_over(*job);
  }
}

void Server::finish_if_over(Job& job) {
  if (!job.is_over()) {
    return;
  }
  // What was still in the pipes of a command that was ended; no more than fits into one, since who has left the tree may go on.
  for (uint8_t stream = 1; stream <= 2; ++stream) {
    for (int turn = 0; turn < 2 * static_cast<int>(kMostWaiting / kPiece); ++turn) {
      const std::string_view piece = job.read_output(stream, buffer_.data(), buffer_.size());
      if (piece.empty()) {
        break;
      }
      append_output(answers_, job.request().index, stream, piece);
    }
  }
  const Outcome outcome = job.outcome();
  const bool halts = job.request().halts && (outcome.status != 0 || outcome.timed_out);
  append_outcome(answers_, outcome);
  jobs_.erase(outcome.index);
  is_short_ = false;
  if (halts && !was_cancelled_) {
    cancel();
  }
}

// Whether outcomes may wait for others: the client has nothing to do that anything here would wait for.
bool Server::is_holding() const {
  return client_ && !is_flushing_ && !answers_.empty() && answers_.size() < kPiece && waiting_.size() > most_jobs_;
}

void Server::flush() {
  if (is_holding() && now() < held_since_ + kMostHeld) {
    return;
  }
  while (client_ && answered_ < answers_.size()) {
    const ssize_t count = ::send(client_.get(), answers_.data() + answered_, answers_.size() - answered_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      if (errno != EAGAIN) {
        hang_up();
      }
      break;
    }
    answered_ += count > 0 ? static_cast<size_t>(count) : 0;
  }
  if (!client_ || answered_ == answers_.size()) {
    answers_.clear();
    answered_ = 0;
  } else if (answered_ > kMostWaiting) { // a client that is never quite up to date must not make them grow
    answers_.erase(0, answered_);
    answered_ = 0;
  }
  held_since_ = now();
  const bool has_more = !answers_.empty();
  if (client_ && has_more != is_flushing_) {
    is_flushing_ = has_more;
    epoll_event event{.events = has_more ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = kClient}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client_.get(), &event);
  }
  set_paused(answers_.size() - answered_ > kMostWaiting);
}

void Server::set_paused(bool is_paused) {
  if (is_paused == is_paused_) {
    return;
  }
  is_paused_ = is_paused;
  if (is_paused) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pipes_.get(), nullptr);
  } else {
    add(epoll_.get(), pipes_.get(), EPOLLIN, kPipes);
  }
}

} // namespace hasten::programs
