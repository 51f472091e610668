#include "hasten/programs/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace hasten::programs {
namespace {

constexpr std::string_view kDefaultPath = "/bin:/usr/bin"; // as os.defpath

// Enough for the few calls before the program is executed.
constexpr size_t kStackSize = size_t{64} * 1024;

// What the new process needs to know, in the memory that it shares with this one until it executes the program or ends.
struct Launch {
  char* const* arguments;
  char* const* environment;
  char* const* paths; // where the program may be
  const char* directory;
  int streams[3]; // negative: this process's own
  const sigset_t* mask;
  StartError error;
};

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

// Executes the first path that can be. A folder without the program doesn't hide another error, as in execvp.
int execute(const Launch& launch) {
  int error = ENOENT;
  for (char* const* path = launch.paths; *path != nullptr; ++path) {
    ::execve(*path, launch.arguments, launch.environment);
    if (errno != ENOENT && errno != ENOTDIR) {
      error = errno;
      if (errno != EACCES) {
        break;
      }
    }
  }
  return error;
}

// The new process. Only calls of the system: its memory is that of the process which waits for it.
int launch_program(void* given) {
  Launch& launch = *static_cast<Launch*>(given);
  ::setpgid(0, 0);
  for (int stream = 0; stream < 3; ++stream) {
    if (launch.streams[stream] >= 0) {
      ::dup2(launch.streams[stream], stream);
    }
  }
  for (const int ignored : {SIGPIPE, SIGXFSZ}) {
    ::signal(ignored, SIG_DFL);
  }
  ::sigprocmask(SIG_SETMASK, launch.mask, nullptr);
  if (launch.directory != nullptr && ::chdir(launch.directory) != 0) {
    launch.error = {errno, Failure::kDirectory};
  } else {
    launch.error = {execute(launch), Failure::kProgram};
  }
  ::_exit(0);
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

Spawner::Spawner(const sigset_t& mask) : mask_(mask), stack_(kStackSize) {}

Started Spawner::start(const Request& request, StartError* error) {
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
  const std::vector<std::string> found = candidates(request);
  const std::vector<char*> paths = pointers(found);
  const std::vector<char*> arguments = pointers(request.arguments);
  const std::vector<char*> own = request.has_environment ? pointers(request.environment) : std::vector<char*>();
  Launch launch{.arguments = arguments.data(),
                .environment = request.has_environment ? own.data() : ::environ,
                .paths = paths.data(),
                .directory = request.directory.empty() ? nullptr : request.directory.c_str(),
                .streams = {input.reader.get(), output.writer.get(), errors.writer.get()},
                .mask = &mask_,
                .error = {}};
  started.pid = ::clone(launch_program, stack_.data() + stack_.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
  *error = started.pid < 0 ? StartError{errno, Failure::kProgram} : launch.error;
  if (error->error != 0) {
    if (started.pid > 0) {
      ::waitpid(started.pid, nullptr, 0);
    }
    started.pid = 0;
    return started;
  }
  started.input = without_blocking(std::move(input.writer));
  started.output = without_blocking(std::move(output.reader));
  started.error = without_blocking(std::move(errors.reader));
  return started;
}

} // namespace hasten::programs
