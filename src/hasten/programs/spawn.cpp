#include "hasten/programs/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace hasten::programs {
namespace {

constexpr std::string_view kDefaultPath = "/bin:/usr/bin"; // as os.defpath

// What posix_spawn is told to do in the new process.
class Actions {
public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  void duplicate(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void change_directory(const std::string& path) { ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
public:
  explicit Attributes(const sigset_t& mask) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setsigmask(&attributes_, &mask);
    sigset_t restored;
    ::sigemptyset(&restored);
    ::sigaddset(&restored, SIGPIPE);
    ::sigaddset(&restored, SIGXFSZ);
    ::posix_spawnattr_setsigdefault(&attributes_, &restored);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

private:
  posix_spawnattr_t attributes_{};
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
  ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK);
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

StartError blame(const Request& request, int error) {
  if (request.directory.empty()) {
    return {error, Failure::kProgram};
  }
  struct stat status{};
  if (::stat(request.directory.c_str(), &status) != 0) {
    return {errno, Failure::kDirectory};
  }
  const bool can_enter = S_ISDIR(status.st_mode) && ::access(request.directory.c_str(), X_OK) == 0;
  return {error, can_enter ? Failure::kProgram : Failure::kDirectory};
}

// The first candidate that can be executed. A folder without the program doesn't hide another error, as in execvp.
StartError spawn(const Request& request, const sigset_t& mask, const Actions& actions, pid_t* pid) {
  const Attributes attributes(mask);
  const std::vector<char*> arguments = pointers(request.arguments);
  const std::vector<char*> own = request.has_environment ? pointers(request.environment) : std::vector<char*>();
  char* const* const environment = request.has_environment ? own.data() : ::environ;
  int error = ENOENT;
  for (const std::string& path : candidates(request)) {
    const int status = ::posix_spawn(pid, path.c_str(), actions.get(), attributes.get(), arguments.data(), environment);
    if (status == 0) {
      return {};
    }
    if (status != ENOENT && status != ENOTDIR) {
      error = status;
      if (status != EACCES) {
        break;
      }
    }
  }
  return blame(request, error);
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

Started start(const Request& request, const sigset_t& mask, StartError* error) {
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
  Actions actions;
  const std::pair<const base::FileDescriptor*, int> streams[] = {{&input.reader, 0}, {&output.writer, 1}, {&errors.writer, 2}};
  for (const auto& [end, stream] : streams) {
    if (*end) {
      actions.duplicate(end->get(), stream);
    }
  }
  if (!request.directory.empty()) {
    actions.change_directory(request.directory);
  }
  *error = spawn(request, mask, actions, &started.pid);
  if (error->error != 0) {
    started.pid = 0;
    return started;
  }
  started.input = without_blocking(std::move(input.writer));
  started.output = without_blocking(std::move(output.reader));
  started.error = without_blocking(std::move(errors.reader));
  return started;
}

} // namespace hasten::programs
