#include "hasten/programs/process_tree.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <dirent.h>
#include <memory>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace hasten::programs {
namespace {

// Dying processes start others at most so often before all are stopped; a limit against a machine that forks faster than we look.
constexpr int kMostLooks = 20;

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
};

std::optional<Process> read_process(const std::string& name) {
  Process process;
  const char* const end = name.data() + name.size();
  if (std::from_chars(name.data(), end, process.pid).ptr != end) {
    return std::nullopt;
  }
  std::optional<std::string> status;
  try {
    status = base::read_file("/proc/" + name + "/stat");
  } catch (const std::exception&) {
    return std::nullopt; // it has ended
  }
  // The name of the program, in parentheses, may hold any character. Behind it: state, parent, group, session.
  const size_t behind_name = status ? status->rfind(')') : std::string::npos;
  if (behind_name == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(status->substr(behind_name + 1));
  char state = 0;
  fields >> state >> process.parent >> process.group >> process.session;
  return !fields || state == 'Z' ? std::nullopt : std::optional(process);
}

std::vector<Process> all_processes() {
  std::vector<Process> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (directory == nullptr) {
    return found;
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    if (const auto process = read_process(entry->d_name)) {
      found.push_back(*process);
    }
  }
  return found;
}

bool writes_to(pid_t pid, const std::vector<struct stat>& outputs) {
  for (const char* stream : {"1", "2"}) {
    struct stat status{};
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + stream;
    const bool is_known = ::stat(path.c_str(), &status) == 0 && std::any_of(outputs.begin(), outputs.end(), [&](const auto& output) {
                            return output.st_dev == status.st_dev && output.st_ino == status.st_ino;
                          });
    if (is_known) {
      return true;
    }
  }
  return false;
}

base::FileDescriptor open_process(pid_t pid) { return base::FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void send(const Member& member, int signal) { ::syscall(SYS_pidfd_send_signal, member.pidfd.get(), signal, nullptr, 0); }

bool has_ended(const Member& member) {
  pollfd polled{.fd = member.pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&polled, 1, 0) == 1;
}

} // namespace

bool ProcessTree::knows(pid_t pid) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member& member) { return member.pid == pid; });
}

void ProcessTree::look() {
  std::erase_if(members_, has_ended); // their numbers may be others' by now
  const pid_t self = ::getpid();
  const std::vector<Process> processes = all_processes();
  for (bool is_new = true; is_new;) {
    is_new = false;
    for (const Process& process : processes) {
      const bool is_below = process.pid == root_ || process.group == root_ || process.session == root_ || process.parent == root_ ||
                            knows(process.parent) || (process.parent == self && writes_to(process.pid, outputs_));
      if (!is_below || knows(process.pid)) {
        continue;
      }
      base::FileDescriptor pidfd = open_process(process.pid);
      if (pidfd) {
        members_.push_back({process.pid, std::move(pidfd)});
        is_new = true;
      }
    }
  }
}

void ProcessTree::signal(int signal) {
  look();
  for (const Member& member : members_) {
    send(member, signal);
  }
}

void ProcessTree::kill() {
  for (int turn = 0; turn < kMostLooks; ++turn) {
    signal(SIGKILL);
    if (!is_alive()) {
      return;
    }
  }
}

bool ProcessTree::is_alive() const {
  return std::any_of(members_.begin(), members_.end(), [](const Member& member) { return !has_ended(member); });
}

void kill_descendants() {
  const pid_t self = ::getpid();
  for (int turn = 0; turn < kMostLooks; ++turn) {
    std::vector<pid_t> below{self};
    const std::vector<Process> processes = all_processes();
    for (size_t i = 0; i < below.size(); ++i) {
      for (const Process& process : processes) {
        if (process.parent == below[i]) {
          below.push_back(process.pid);
        }
      }
    }
    if (below.size() == 1) {
      return;
    }
    std::for_each(below.begin() + 1, below.end(), [](pid_t pid) { ::kill(pid, SIGKILL); });
  }
}

} // namespace hasten::programs
