#include "hasten/library/template_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "hasten/library/worker_process.h"

namespace hasten::detail {
namespace {

struct Request {
  enum class Kind : uint8_t { kFork, kReap } kind;
  pid_t worker;        // to reap
  uint64_t most_tasks; // of a worker to fork
};

struct Answer {
  pid_t worker; // 0: none
  int status;   // of a reaped worker, or why there is none
};

constexpr size_t kEnds = 2;

// A message with the ends of a lane, or without. False where the other side is gone.
bool send_request(int socket, Request request, const std::array<int, kEnds>* ends) {
  iovec part{&request, sizeof request};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof *ends)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (ends != nullptr) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof *ends);
    std::memcpy(CMSG_DATA(header), ends->data(), sizeof *ends);
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof request);
}

// False at the end of the parent's side.
bool receive_request(int socket, Request* request, WorkerEnds* ends) {
  iovec part{request, sizeof *request};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kEnds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received = 0;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received != static_cast<ssize_t>(sizeof *request)) {
    return false;
  }
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_len == CMSG_LEN(kEnds * sizeof(int))) {
    std::array<int, kEnds> fds{};
    std::memcpy(fds.data(), CMSG_DATA(header), sizeof fds);
    ends->lane.reset(fds[0]);
    ends->bell.reset(fds[1]);
  }
  ends->most_tasks = request->most_tasks;
  return true;
}

std::optional<int> wait_for(pid_t child) {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == child ? std::optional(status) : std::nullopt;
}

// The template's own life.
class Template {
public:
  Template(base::FileDescriptor socket, base::FileDescriptor parent, const std::function<void()>& initializer)
      : socket_(std::move(socket)), parent_(std::move(parent)), initializer_(initializer) {}

  [[noreturn]] void run() {
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the parent
    std::signal(SIGCHLD, SIG_DFL); // else nobody would know how workers end
    Request request{};
    WorkerEnds ends{};
    while (hears_parent() && receive_request(socket_.get(), &request, &ends)) {
      const Answer answer = request.kind == Request::Kind::kFork ? fork_worker(ends) : reap(request.worker);
      if (::send(socket_.get(), &answer, sizeof answer, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof answer)) {
        break;
      }
    }
    for (const pid_t worker : workers_) {
      kill(worker, SIGKILL);
      wait_for(worker);
    }
    _exit(EXIT_SUCCESS);
  }

private:
  // Whether there is a request, or the end of the socket; false where the parent has died. Others may hold its end of the socket open.
  bool hears_parent() const {
    std::array<pollfd, 2> polled{pollfd{socket_.get(), POLLIN, 0}, pollfd{parent_.get(), POLLIN, 0}};
    while (poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) {
    }
    return polled[1].revents == 0;
  }

  Answer fork_worker(WorkerEnds& ends) {
    const pid_t self = getpid();
    const pid_t worker = fork();
    if (worker == 0) {
      // The template has one thread, so that this is its death, not a thread's.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != self) {
        _exit(EXIT_FAILURE);
      }
      socket_.reset();
      parent_.reset();
      run_worker(std::move(ends), initializer_);
    }
    const int error = errno;
    ends = {};
    if (worker < 0) {
      return {0, error};
    }
    workers_.push_back(worker);
    return {worker, 0};
  }

  Answer reap(pid_t worker) {
    const auto found = std::find(workers_.begin(), workers_.end(), worker);
    const std::optional<int> status = found != workers_.end() ? wait_for(worker) : std::nullopt;
    if (!status) {
      return {0, ECHILD};
    }
    workers_.erase(found);
    return {worker, *status};
  }

  base::FileDescriptor socket_;
  base::FileDescriptor parent_;
  const std::function<void()>& initializer_;
  std::vector<pid_t> workers_;
};

bool receive_answer(int socket, Answer* answer) {
  ssize_t received = 0;
  do {
    received = recv(socket, answer, sizeof *answer, 0);
  } while (received < 0 && errno == EINTR);
  return received == static_cast<ssize_t>(sizeof *answer);
}

} // namespace

TemplateProcess::TemplateProcess(const std::function<void()>& initializer) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    base::system_error("Can't make a socket for a pool of processes");
  }
  socket_.reset(ends[0]);
  base::FileDescriptor theirs(ends[1]);
  base::FileDescriptor self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self) {
    base::system_error("Can't watch a process: a pool needs Linux 5.3 or newer");
  }
  // What is printed and not written yet would be written by every process.
  std::cout.flush();
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) {
    base::system_error("Can't make a process for a pool");
  }
  if (pid_ == 0) {
    socket_.reset();
    Template(std::move(theirs), std::move(self), initializer).run();
  }
}

TemplateProcess::~TemplateProcess() {
  socket_.reset();
  wait_for(pid_);
}

pid_t TemplateProcess::fork_worker(int lane_fd, int bell_fd, uint64_t most_tasks) {
  const std::array<int, kEnds> ends{lane_fd, bell_fd};
  Answer answer{};
  const std::lock_guard lock(mutex_);
  if (!send_request(socket_.get(), {Request::Kind::kFork, 0, most_tasks}, &ends) || !receive_answer(socket_.get(), &answer)) {
    base::system_error("Can't make a worker: the pool's template process is gone", ECHILD);
  }
  if (answer.worker == 0) {
    base::system_error("Can't make a worker process", answer.status);
  }
  return answer.worker;
}

std::optional<int> TemplateProcess::reap(pid_t worker) {
  Answer answer{};
  const std::lock_guard lock(mutex_);
  if (!send_request(socket_.get(), {Request::Kind::kReap, worker, 0}, nullptr) || !receive_answer(socket_.get(), &answer)) {
    return std::nullopt;
  }
  return answer.worker == worker ? std::optional(answer.status) : std::nullopt;
}

} // namespace hasten::detail
