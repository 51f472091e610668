#include "hasten/pool/shm/participants.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <pthread.h>
#include <span>
#include <unistd.h>

#include "hasten/base/posix.h"

namespace hasten::pool::shm {
namespace {

std::atomic<uint32_t> generation{0};

[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

struct Life {
  bool is_known = false; // whether the system told
  bool is_alive = false;
  uint32_t start = 0; // in ticks since the machine's start; the lower half
};

// The part of /proc/PID/stat that follows the name of the program, which may hold anything.
Life read_life(const char* text) {
  constexpr int kFieldsToStart = 19; // from the state, which is the third of all
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] == '\0') {
    return {};
  }
  at += 2;
  Life life{.is_known = true, .is_alive = *at != 'Z' && *at != 'X'};
  for (int field = 0; field < kFieldsToStart && at != nullptr; ++field) {
    at = std::strchr(at + 1, ' ');
  }
  life.start = at == nullptr ? 0 : static_cast<uint32_t>(std::strtoull(at, nullptr, 10));
  return life;
}

Life life_of(uint32_t pid) {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%u/stat", pid);
  const base::FileDescriptor file(open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return {};
  }
  std::array<char, 1024> text{};
  return read(file.get(), text.data(), text.size() - 1) > 0 ? read_life(text.data()) : Life{.is_known = true};
}

constexpr uint64_t identity_of(uint32_t pid, uint32_t start) { return uint64_t{pid} << 32 | start; }

} // namespace

uint32_t fork_generation() { return generation.load(std::memory_order_relaxed); }

uint64_t identity_of_this_process() {
  const auto pid = static_cast<uint32_t>(getpid());
  return identity_of(pid, life_of(pid).start);
}

bool is_alive(uint64_t identity) {
  const auto pid = static_cast<uint32_t>(identity >> 32);
  const Life life = life_of(pid);
  if (!life.is_known) {
    return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM; // there may be no /proc
  }
  return life.is_alive && identity_of(pid, life.start) == identity;
}

// A process that died with the mutex left entries that are whole: each change is one store.
void Participants::lock() {
  while (mutex_.lock_until(std::numeric_limits<int64_t>::max()) == Locked::kNo) {
  }
}

Participant* Participants::enter(uint64_t identity, uint32_t roles) {
  lock();
  const uint32_t used = used_.load(std::memory_order_relaxed);
  Participant* free = used < kMost ? &entries_[used] : nullptr;
  Participant* mine = nullptr;
  for (Participant& entry : std::span(entries_).first(used)) {
    const uint64_t who = entry.identity.load(std::memory_order_relaxed);
    mine = who == identity ? &entry : mine;
    free = who == 0 ? &entry : free;
  }
  if (mine == nullptr && free != nullptr) {
    mine = free;
    mine->roles.store(0, std::memory_order_relaxed);
    mine->spilled.store(0, std::memory_order_relaxed);
    mine->identity.store(identity, std::memory_order_release);
    used_.store(std::max(used, static_cast<uint32_t>(mine - entries_.data()) + 1), std::memory_order_release);
  }
  if (mine != nullptr) {
    mine->roles.fetch_or(roles, std::memory_order_relaxed);
  }
  mutex_.unlock();
  return mine;
}

void Participants::leave(uint64_t identity) {
  lock();
  for (Participant& entry : std::span(entries_).first(used_.load(std::memory_order_relaxed))) {
    if (entry.identity.load(std::memory_order_relaxed) == identity) {
      entry.identity.store(0, std::memory_order_release);
    }
  }
  mutex_.unlock();
}

void Participants::reap(std::atomic<uint32_t>* broken) {
  bool lost_producer = false;
  bool lost_consumer = false;
  bool has_consumer = false;
  lock();
  const auto entries = std::span(entries_).first(used_.load(std::memory_order_relaxed));
  std::array<bool, kMost> dead{};
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint64_t who = entries[i].identity.load(std::memory_order_relaxed);
    const uint32_t roles = who == 0 ? 0 : entries[i].roles.load(std::memory_order_relaxed);
    dead[i] = who != 0 && !is_alive(who);
    lost_producer |= dead[i] && (roles & kProducer) != 0;
    lost_consumer |= dead[i] && (roles & kConsumer) != 0;
    has_consumer |= !dead[i] && (roles & kConsumer) != 0;
  }
  if (broken != nullptr && (lost_producer || (lost_consumer && !has_consumer))) {
    broken->store(1, std::memory_order_seq_cst);
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    if (dead[i]) {
      entries[i].identity.store(0, std::memory_order_release);
    }
  }
  mutex_.unlock();
}

uint64_t Participants::spilled() const {
  uint64_t sum = 0;
  for (const Participant& entry : std::span(entries_).first(used_.load(std::memory_order_acquire))) {
    if (entry.identity.load(std::memory_order_acquire) != 0) {
      sum += entry.spilled.load(std::memory_order_relaxed);
    }
  }
  return sum;
}

} // namespace hasten::pool::shm
