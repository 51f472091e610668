#include "hasten/programs/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "hasten/programs/raw_call.h"

namespace hasten::programs {
namespace {

constexpr std::string_view kDefaultPath = "/bin:/usr/bin"; // as os.defpath

// Enough for the few calls before the program is executed.
constexpr size_t kStackSize = size_t{16} * 1024;
// The size of a set of signals as the system has it.
constexpr size_t kKernelMaskSize = 8;

#ifdef __SANITIZE_THREAD__ // puts a function of its own around the new process's, and its operands on the stack of this one
constexpr int kCloneFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
#else
constexpr int kCloneFlags = CLONE_VM | SIGCHLD;
#endif

struct Pipe {
  base::FileDescriptor reader;
  base::FileDescriptor writer;
};

int open_pipe(Pipe* pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return errno;
  }
  pipe->reader.reset(ends[0]);
  pipe->writer.reset(ends[1]);
  return 0;
}

base::FileDescriptor without_blocking(base::FileDescriptor end) {
  if (end) {
    ::fcntl(end.get(), F_SETFL, O_NONBLOCK);
  }
  return end;
}

// Null-terminated, as exec wants it.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    all.push_back(const_cast<char*>(text.c_str()));
  }
  all.push_back(nullptr);
  return all;
}

std::string_view search_path(const Request& request) {
  constexpr std::string_view kName = "PATH=";
  if (request.has_environment) {
    for (const std::string& variable : request.environment) {
      if (variable.starts_with(kName)) {
        return std::string_view(variable).substr(kName.size());
      }
    }
    return kDefaultPath;
  }
  const char* const value = ::getenv("PATH");
  return value != nullptr ? std::string_view(value) : kDefaultPath;
}

// Where the program may be, in the order of PATH. A name with a slash is where it says.
std::vector<std::string> candidates(const Request& request) {
  const std::string& name = request.arguments.front();
  if (name.find('/') != std::string::npos || name.empty()) {
    return {name};
  }
  std::vector<std::string> found;
  for (std::string_view rest = search_path(request);;) {
    const size_t end = rest.find(':');
    const std::string_view folder = rest.substr(0, end);
    std::string path = folder.empty() ? name : std::string(folder).append("/").append(name);
    // Relative folders count from the command's directory, which only the new process is in.
    if (path.front() != '/' || ::access(path.c_str(), X_OK) == 0 || errno == EACCES) {
      found.push_back(std::move(path));
    }
    if (end == std::string_view::npos) {
      return found;
    }
    rest.remove_prefix(end + 1);
  }
}

int open_output(const std::string& path, base::FileDescriptor* file) {
  file->reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
  return *file ? 0 : errno;
}

// The child's ends of what it writes to.
StartError open_outputs(const Request& request, Pipe* output, Pipe* error) {
  if (request.mode == OutputMode::kPass) {
    return {};
  }
  if (request.mode == OutputMode::kFile) {
    int failed = open_output(request.output_path, &output->writer);
    failed = failed != 0 ? failed : open_output(request.error_path, &error->writer);
    return {failed, Failure::kFile};
  }
  const int failed = open_pipe(output);
  return {failed != 0 ? failed : open_pipe(error), Failure::kProgram};
}

} // namespace

Launch::Launch(const Request& request, const sigset_t& mask, std::array<int, 3> streams)
    : candidates_(candidates(request)), paths_(pointers(candidates_)), arguments_(pointers(request.arguments)),
      environment_(request.has_environment ? pointers(request.environment) : std::vector<char*>()),
      plan_{.paths = paths_.data(),
            .arguments = arguments_.data(),
            .environment = request.has_environment ? environment_.data() : ::environ,
            .directory = request.directory.empty() ? nullptr : request.directory.c_str(),
            .streams = {streams[0], streams[1], streams[2]},
            .mask = &mask,
            .error = {}},
      stack_(std::make_unique_for_overwrite<char[]>(kStackSize)) {}

pid_t Launch::start() {
  const pid_t pid = ::clone(run, stack_.get() + kStackSize, kCloneFlags, &plan_);
  return pid < 0 ? -errno : pid;
}

// Executes the first path that can be. A folder without the program doesn't hide another error, as in execvp.
HASTEN_UNSANITIZED int Launch::execute(const Plan& plan) {
  int error = ENOENT;
  for (char* const* path = plan.paths; *path != nullptr; ++path) {
    const auto failed = static_cast<int>(-raw_call(SYS_execve, *path, plan.arguments, plan.environment));
    if (failed != ENOENT && failed != ENOTDIR) {
      error = failed;
      if (failed != EACCES) {
        break;
      }
    }
  }
  return error;
}

// The new process.
HASTEN_UNSANITIZED int Launch::run(void* given) {
  Plan& plan = *static_cast<Plan*>(given);
  raw_call(SYS_setpgid, 0, 0);
  for (int stream = 0; stream < 3; ++stream) {
    if (plan.streams[stream] >= 0) {
      raw_call(SYS_dup3, plan.streams[stream], stream, 0);
    }
  }
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, plan.mask, 0, kKernelMaskSize);
  const long failed = plan.directory != nullptr ? raw_call(SYS_chdir, plan.directory) : 0;
  if (failed < 0) {
    plan.error.failure = Failure::kDirectory;
    plan.error.error = static_cast<int>(-failed);
  } else {
    plan.error.failure = Failure::kProgram;
    plan.error.error = execute(plan);
  }
  for (;;) {
    raw_call(SYS_exit_group, 0);
  }
}

Started Spawner::start(const Request& request, StartError* error) const {
  Started started;
  Pipe input;
  Pipe output;
  Pipe errors;
  *error = open_outputs(request, &output, &errors);
  if (error->error == 0 && !request.input.empty()) {
    *error = {open_pipe(&input), Failure::kProgram};
  }
  if (error->error != 0) {
    return started;
  }
  auto launch = std::make_unique<Launch>(request, mask_, std::array{input.reader.get(), output.writer.get(), errors.writer.get()});
  const pid_t pid = launch->start();
  if (pid < 0) {
    *error = {-pid, Failure::kProgram};
    return started;
  }
  started.pid = pid;
  started.launch = std::move(launch);
  started.input = without_blocking(std::move(input.writer));
  started.output = without_blocking(std::move(output.reader));
  started.error = without_blocking(std::move(errors.reader));
  return started;
}

} // namespace hasten::programs
