#include "hasten/programs/server.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::programs {
namespace {

template <typename Number> void append(std::string& to, Number value) { to.append(reinterpret_cast<const char*>(&value), sizeof value); }

void append(std::string& to, const std::string& text) {
  append(to, uint64_t{text.size()});
  to += text;
}

void append(std::string& to, const std::vector<std::string>& texts) {
  append(to, uint64_t{texts.size()});
  for (const std::string& text : texts) {
    append(to, text);
  }
}

std::string message(const Request& request) {
  std::string body(1, static_cast<char>(Kind::kRun));
  append(body, request.index);
  append(body, request.timeout);
  append(body, request.grace);
  append(body, static_cast<uint8_t>(request.mode));
  append(body, static_cast<uint8_t>(request.kills_tree));
  append(body, static_cast<uint8_t>(request.halts));
  append(body, static_cast<uint8_t>(request.has_environment));
  append(body, request.arguments);
  append(body, request.environment);
  for (const std::string& text : {request.directory, request.input, request.output_path, request.error_path}) {
    append(body, text);
  }
  std::string whole;
  append(whole, body);
  return whole;
}

// Lets no program be executed from now on that gets this process's own environment: the system says that it is short of something.
void deny_own_environment() {
  const auto address = reinterpret_cast<uint64_t>(::environ);
  constexpr uint32_t kThird = offsetof(seccomp_data, args) + 2 * sizeof(uint64_t);
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThird),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(address), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThird + sizeof(uint32_t)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(address >> 32), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = sizeof rules / sizeof rules[0], .filter = rules};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    ::_exit(77);
  }
}

class ServerTest : public testing::Test {
protected:
  ServerTest() : begun_(shared_counter()) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_.reset(ends[0]);
    base::FileDescriptor theirs(ends[1]);
    server_ = ::fork();
    if (server_ == 0) {
      client_.reset();
      deny_own_environment();
      Server(std::move(theirs), ::getppid(), 2, begun_).serve();
      ::_exit(0);
    }
  }
  ~ServerTest() override {
    client_.reset();
    int status = 0;
    ::waitpid(server_, &status, 0);
    EXPECT_EQ(status, 0);
    ::munmap(begun_, sizeof *begun_);
  }

  static std::atomic<uint64_t>* shared_counter() {
    void* const memory = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return new (memory) std::atomic<uint64_t>(0);
  }

  void send(const std::vector<Request>& requests) {
    std::string all;
    for (const Request& request : requests) {
      all += message(request);
    }
    base::write_all(client_.get(), all.data(), all.size());
  }

  // (index, error) of the next command that is over.
  std::pair<uint64_t, int32_t> next_outcome() {
    for (;;) {
      while (const auto message = reader_.next()) {
        if (message->kind == Kind::kDone) {
          std::pair<uint64_t, int32_t> outcome;
          std::memcpy(&outcome.first, message->body.data(), sizeof outcome.first);
          std::memcpy(&outcome.second, message->body.data() + sizeof outcome.first + sizeof(int32_t), sizeof outcome.second);
          return outcome;
        }
      }
      const ssize_t count = ::read(client_.get(), reader_.room(4096), 4096);
      if (count <= 0) {
        ADD_FAILURE() << "the server has ended";
        return {};
      }
      reader_.add(static_cast<size_t>(count));
    }
  }

  std::atomic<uint64_t>* begun_;
  base::FileDescriptor client_;
  pid_t server_ = -1;
  MessageReader reader_;
};

Request request(uint64_t index, const std::string& line, bool is_denied) {
  Request made;
  made.index = index;
  made.arguments = {"/bin/sh", "-c", line};
  made.has_environment = !is_denied;
  return made;
}

TEST_F(ServerTest, ACommandThatTheSystemIsTooShortForIsTriedAgainWhenAnotherHasEnded) {
  send({request(0, "sleep 0.2", false), request(1, "true", true), request(2, "true", false)});
  EXPECT_EQ(next_outcome(), std::pair(uint64_t{0}, 0));
  EXPECT_EQ(next_outcome(), std::pair(uint64_t{2}, 0)) << "it ran beside the one that was tried again";
  EXPECT_EQ(next_outcome(), std::pair(uint64_t{1}, EAGAIN)) << "there was nothing left to wait for";
  EXPECT_EQ(*begun_, 3U) << "a command that is tried again has not begun twice";
}

} // namespace
} // namespace hasten::programs
