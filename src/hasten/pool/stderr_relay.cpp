#include "hasten/pool/stderr_relay.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <system_error>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "hasten/base/signals.h"

namespace hasten::pool {
namespace {

constexpr size_t kPipe = 65536; // what a pipe holds, so that one read takes all that was written before
constexpr int kEvents = 64;
// A terminal's buffer is emptied in less; who reads nothing for so long is not waited for.
constexpr std::chrono::milliseconds kPatience{100};

// Held for moments only, so that a fork finds the streams in order.
std::mutex registry;

struct Ends {
  base::FileDescriptor ours;
  base::FileDescriptor workers;
};

Ends open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return {};
  }
  return {base::FileDescriptor(ends[0]), base::FileDescriptor(ends[1])};
}

// A terminal that looks like this process's and changes nothing that is written to it.
Ends open_terminal() {
  base::FileDescriptor ours(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 64> name{};
  if (!ours || grantpt(ours.get()) != 0 || unlockpt(ours.get()) != 0 || ptsname_r(ours.get(), name.data(), name.size()) != 0) {
    return {};
  }
  base::FileDescriptor workers(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!workers || tcgetattr(workers.get(), &settings) != 0) {
    return {};
  }
  cfmakeraw(&settings);
  tcsetattr(workers.get(), TCSANOW, &settings);
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
    ioctl(workers.get(), TIOCSWINSZ, &size);
  }
  return {std::move(ours), std::move(workers)};
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd full{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      poll(&full, 1, -1);
    } else if (errno != EINTR) {
      return; // closed: what is written goes nowhere, as it would have without us
    }
  }
}

} // namespace

std::string StderrStream::tail() const {
  const std::lock_guard lock(mutex_);
  if (kept_.size() <= kKept) {
    return kept_;
  }
  const size_t start = kept_.size() - kKept;
  const size_t line = kept_.find('\n', start - 1);
  return kept_.substr(line == std::string::npos || line + 1 == kept_.size() ? start : line + 1);
}

void StderrStream::keep(std::string_view text) {
  const std::lock_guard lock(mutex_);
  kept_ += text;
  if (kept_.size() > 2 * kKept) {
    kept_.erase(0, kept_.size() - kKept - 1); // the byte before shows whether a line begins
  }
}

StderrRelay::StderrRelay() : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kPipe, '\0') {
  if (!epoll_) {
    base::system_error("Can't wait for what workers write to stderr");
  }
  const base::SignalsBlocked blocked;
  std::thread([this] { run(); }).detach();
}

StderrRelay& StderrRelay::instance() {
  [[maybe_unused]] static const int at_fork =
      pthread_atfork([] { registry.lock(); }, [] { registry.unlock(); }, StderrRelay::begin_anew_after_fork);
  StderrRelay* relay = current_.load();
  if (relay == nullptr) {
    relay = new StderrRelay; // for ever: its thread is in it when the process ends
    current_.store(relay);
  }
  return *relay;
}

// The thread is the parent's, and so are its streams: a copy of a reading end would keep writers waiting when the parent is gone.
void StderrRelay::begin_anew_after_fork() {
  if (StderrRelay* copy = current_.exchange(nullptr); copy != nullptr) {
    copy->epoll_.reset();
    for (const auto& stream : copy->streams_) {
      stream->source_.reset();
    }
  }
  registry.unlock();
}

StderrRelay::Opened StderrRelay::open() {
  if (fcntl(STDERR_FILENO, F_GETFD) < 0) {
    return {};
  }
  Ends ends = isatty(STDERR_FILENO) == 1 ? open_terminal() : open_pipe();
  if (!ends.ours) {
    return {};
  }
  auto stream = std::make_shared<StderrStream>(std::move(ends.ours));
  try {
    const std::lock_guard lock(registry);
    instance().add(stream);
  } catch (const std::system_error&) {
    return {}; // no descriptor or no thread to be had
  }
  return {std::move(stream), std::move(ends.workers)};
}

void StderrRelay::add(const std::shared_ptr<StderrStream>& stream) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = stream.get()}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream->source_.get(), &event) != 0) {
    base::system_error("Can't wait for what a worker writes to stderr");
  }
  streams_.push_back(stream);
}

void StderrRelay::run() {
  std::array<epoll_event, kEvents> events{};
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEvents, -1);
    {
      const std::lock_guard lock(mutex_);
      ++begun_;
      is_busy_ = true;
    }
    for (int i = 0; i < count; ++i) {
      serve(*static_cast<StderrStream*>(events[static_cast<size_t>(i)].data.ptr));
    }
    {
      const std::lock_guard lock(mutex_);
      ++finished_;
      is_busy_ = is_stuck_ = false;
    }
    changed_.notify_all();
  }
}

void StderrRelay::serve(StderrStream& stream) {
  const ssize_t size = read(stream.source_.get(), buffer_.data(), buffer_.size());
  if (size > 0) {
    const std::string_view text(buffer_.data(), static_cast<size_t>(size));
    stream.keep(text);
    write_to_stderr(text);
  } else if (size == 0 || errno != EINTR) {
    close(stream); // a terminal's end is an error
  }
}

void StderrRelay::close(StderrStream& stream) {
  const std::lock_guard lock(registry);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.source_.get(), nullptr); // a fork that has not closed its copy would keep it there
  stream.source_.reset();
  std::erase_if(streams_, [&](const auto& other) { return other.get() == &stream; });
}

bool StderrRelay::has_input() const {
  epoll_event event{};
  return epoll_wait(epoll_.get(), &event, 1, 0) > 0;
}

bool StderrRelay::is_behind() {
  const StderrRelay* relay = current_.load();
  // In this order: the thread is busy before it takes input away.
  return relay != nullptr && !relay->is_stuck_ && (relay->has_input() || relay->is_busy_);
}

void StderrRelay::catch_up() {
  if (StderrRelay* relay = current_.load(); relay != nullptr) {
    relay->wait_for_round();
  }
}

void StderrRelay::wait_for_round() {
  std::unique_lock lock(mutex_);
  const uint64_t last = begun_ + (has_input() ? 1 : 0);
  const bool is_done = changed_.wait_for(lock, kPatience, [&] { return finished_ >= last || (!is_busy_ && !has_input()); });
  if (!is_done && is_busy_) {
    is_stuck_ = true;
  }
}

} // namespace hasten::pool
