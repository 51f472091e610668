#include "hasten/pool/shm/queue.h"

#include <algorithm>
#include <bit>
#include <new>
#include <sys/random.h>

#include "hasten/base/diagnostic.h"
#include "hasten/pool/shm/queue_wait.h"

namespace hasten::pool::shm {
namespace {

constexpr uint64_t kLeastCapacity = 128;
constexpr uint64_t kMostCapacity = 1U << 30; // fewer units than Position counts items

uint64_t capacity_for(const Queue::Options& options) {
  const uint64_t wanted = options.most_bytes > 0 ? std::max<uint64_t>(2 * options.most_bytes, 256U << 10) : Queue::kDefaultCapacity;
  const uint64_t capacity = options.capacity > 0 ? options.capacity : std::bit_ceil(std::min(wanted, kMostCapacity));
  return std::clamp(capacity, kLeastCapacity, kMostCapacity);
}

} // namespace

Queue::Queue(Segment segment) : segment_(std::move(segment)) {}

Queue Queue::create(const Options& options) {
  const uint64_t capacity = capacity_for(options);
  Segment segment = Segment::create("hasten-queue", sizeof(QueueMemory) + capacity, sizeof(QueueMemory));
  auto* memory = new (segment.data()) QueueMemory{};
  memory->capacity = capacity;
  memory->most_items = options.most_items;
  memory->most_bytes = options.most_bytes;
  memory->breaks = options.breaks;
  if (getrandom(memory->name.data(), sizeof memory->name, 0) != sizeof memory->name) {
    base::system_error("Can't name a queue");
  }
  memory->put.mutex.init();
  memory->get.mutex.init();
  memory->participants.init();
  memory->magic = QueueMemory::kMagic;
  return Queue(std::move(segment));
}

Queue Queue::adopt(base::FileDescriptor fd) {
  Segment segment = Segment::adopt(std::move(fd));
  const auto* memory = reinterpret_cast<const QueueMemory*>(segment.data());
  if (segment.size() < sizeof(QueueMemory) || memory->magic != QueueMemory::kMagic ||
      segment.size() != sizeof(QueueMemory) + memory->capacity) {
    throw base::Diagnostic(base::Fault::kMachine, "The other process's queue is of another version of Hasten",
                           "let processes that share a queue use one installation");
  }
  return Queue(std::move(segment));
}

Participant* Queue::enter(Role role) {
  const uint64_t current = uint64_t{fork_generation()} << 32;
  const uint64_t seen = entered_.load(std::memory_order_acquire);
  const bool is_mine = (seen & ~uint64_t{0xffffffff}) == current;
  if (is_mine && (seen & role) != 0) {
    return participant_.load(std::memory_order_acquire);
  }
  Participant* entry = memory().participants.enter(identity_of_this_process(), role);
  participant_.store(entry, std::memory_order_release);
  entered_.store(current | (is_mine ? seen & 0xffffffff : 0) | role, std::memory_order_release);
  return entry;
}

void Queue::leave() {
  if (entered_.exchange(0, std::memory_order_acq_rel) != 0) {
    memory().participants.leave(identity_of_this_process());
  }
}

// What only a timer finds: processes that died, and closings that their process didn't finish.
void Queue::look_after_others() {
  QueueMemory& shared = memory();
  shared.participants.reap(shared.breaks ? &shared.broken : nullptr);
  if (shared.closing.load(std::memory_order_seq_cst) == Closing::kPutsRefused && lock_put(0) != Locked::kNo) {
    shared.closing.store(Closing::kClosed, std::memory_order_seq_cst);
    shared.put.mutex.unlock();
  }
  if (is_broken() || is_closed()) {
    ring_all();
  }
}

// The tail is read first: the head never falls behind it.
uint64_t Queue::items() const {
  const Position from = tail();
  return head().items_since(from);
}

uint64_t Queue::bytes() const {
  const Position from = tail();
  return head().units_since(from) * kUnit;
}

uint64_t Queue::living_size() {
  if (memory().participants.spilled() != 0) {
    look_after_others();
  }
  return size();
}

bool Queue::is_full() { return !has_place() && memory().most_items <= living_size(); }

void Queue::close(bool discards) {
  QueueMemory& shared = memory();
  Closing expected = Closing::kOpen;
  shared.closing.compare_exchange_strong(expected, Closing::kPutsRefused, std::memory_order_seq_cst);
  shared.tail.bell.ring_all();
  while (lock_put(now() + kLockSlice) == Locked::kNo) {
  }
  shared.closing.store(Closing::kClosed, std::memory_order_seq_cst);
  shared.put.mutex.unlock();
  if (discards) {
    while (shared.get.mutex.lock_until(now() + kLockSlice) == Locked::kNo) {
    }
    const Position end = head();
    shared.get.known_head.store(end.pack(), std::memory_order_release);
    release(end);
    shared.get.mutex.unlock();
  }
  ring_all();
}

void Queue::ring_all() {
  memory().head.bell.ring_all();
  memory().tail.bell.ring_all();
  ring_watchers();
}

void Queue::ring_watchers() {
  memory().watched.filled.ring_all();
  memory().watched.emptied.ring_all();
}

uint64_t Queue::unfinished() const {
  const uint64_t done = memory().done.word.load(std::memory_order_seq_cst);
  return ((head().items - done) & Position::kItemMask) + memory().participants.spilled();
}

bool Queue::task_done() {
  auto& done = memory().done;
  uint64_t seen = done.word.load(std::memory_order_seq_cst);
  do {
    if (unfinished() == 0) {
      return false;
    }
  } while (!done.word.compare_exchange_weak(seen, (seen + 1) & Position::kItemMask, std::memory_order_seq_cst));
  if (unfinished() == 0) {
    done.bell.ring_all();
  }
  return true;
}

bool Queue::join(const Patience& patience) {
  return wait(memory().done.bell, patience, [&] { return unfinished() == 0; }) == Wait::kReady;
}

} // namespace hasten::pool::shm
