// A queue's side of producers.
#include <algorithm>
#include <cstring>

#include "hasten/pool/shm/queue_wait.h"

namespace hasten::pool::shm {
namespace {

constexpr uint64_t kAllocatedAtOnce = 256U << 10;

// The records of a stream: long enough to be worth their wake-ups, short enough that both ends work at once.
uint64_t piece_bytes(uint64_t capacity) { return capacity / 4 - kUnit; }

} // namespace

uint64_t Outgoing::body() const {
  uint64_t sum = 0;
  for (const Part& part : parts) {
    sum += part.size;
  }
  return sum;
}

void Queue::write_at(Position at, uint64_t offset, const void* data, size_t size) {
  if (size == 0) {
    return;
  }
  const uint64_t mask = memory().capacity - 1;
  const uint64_t start = (at.units * kUnit + offset) & mask;
  const size_t first = std::min<uint64_t>(size, memory().capacity - start);
  std::memcpy(ring() + start, data, first);
  std::memcpy(ring(), static_cast<const char*>(data) + first, size - first);
}

// The bytes [from, from + size) of an item's parts.
void Queue::write_parts(Position at, uint64_t offset, const Outgoing& item, uint64_t from, uint64_t size) {
  for (const Outgoing::Part& part : item.parts) {
    if (from >= part.size) {
      from -= part.size;
      continue;
    }
    const uint64_t here = std::min<uint64_t>(size, part.size - from);
    write_at(at, offset, static_cast<const char*>(part.data) + from, here);
    offset += here;
    size -= here;
    from = 0;
    if (size == 0) {
      return;
    }
  }
}

void Queue::ring_for_item() {
  memory().head.bell.ring();
  memory().watched.filled.ring_all();
}

void Queue::commit(Position head) { memory().head.word.store(head.pack(), std::memory_order_seq_cst); }

// A deadline that is past makes it one try.
Locked Queue::lock_put(int64_t deadline) {
  RobustMutex& mutex = memory().put.mutex;
  const Locked locked = deadline == 0 ? mutex.try_lock() : mutex.lock_until(deadline);
  if (locked == Locked::kAfterDeath) {
    mend_put();
  }
  return locked;
}

void Queue::mend_put() {
  const uint64_t streaming = memory().put.streaming.load(std::memory_order_relaxed);
  if (streaming != 0 && head().items + 1 == streaming) {
    abort_stream();
  }
  memory().put.streaming.store(0, std::memory_order_relaxed);
}

void Queue::abort_stream() {
  const RecordHeader header{.kind = Kind::kAbort};
  write_at(head(), 0, &header, sizeof header);
  commit(head().plus(1, 0));
  memory().put.streaming.store(0, std::memory_order_relaxed);
  ring_for_item();
}

PutEnd Queue::refusal() const {
  if (is_closed()) {
    return PutEnd::kClosed;
  }
  return is_broken() ? PutEnd::kBroken : PutEnd::kDone;
}

bool Queue::has_place() const { return memory().most_items == 0 || size() < memory().most_items; }

// Whether so many units can be put now. One more is left for an abort.
bool Queue::fits(uint64_t units) {
  const uint64_t used = head().units_since(tail());
  const bool is_within = memory().most_bytes == 0 || used == 0 || (used + units) * kUnit <= memory().most_bytes;
  return is_within && used + units + 1 <= memory().capacity / kUnit;
}

// The same under the put mutex, where the tail that is known may do.
bool Queue::has_room(uint64_t units) {
  auto& known_tail = memory().put.known_tail;
  const uint64_t used = head().units_since(Position::unpack(known_tail.load(std::memory_order_acquire)));
  if (memory().most_bytes == 0 && used + units + 1 <= memory().capacity / kUnit) {
    return true;
  }
  known_tail.store(tail().pack(), std::memory_order_release);
  return fits(units);
}

bool Queue::allocate_for(uint64_t units) {
  auto& allocated = memory().put.allocated;
  const uint64_t before = allocated.load(std::memory_order_relaxed);
  if (before == memory().capacity) {
    return true;
  }
  const uint64_t needed = std::min(memory().capacity, (head().units + units + 1) * kUnit);
  if (needed <= before) {
    return true;
  }
  const uint64_t after = std::min(memory().capacity, (needed + kAllocatedAtOnce - 1) / kAllocatedAtOnce * kAllocatedAtOnce);
  if (segment_.allocate(sizeof(QueueMemory) + before, after - before) != 0) {
    return false;
  }
  allocated.store(after, std::memory_order_relaxed);
  return true;
}

PutEnd Queue::put_locked(const Outgoing& item, bool is_counted, const Patience& patience) {
  const PutEnd refused = refusal();
  if (refused != PutEnd::kDone) {
    return refused;
  }
  if (is_counted && !has_place()) {
    return PutEnd::kFull;
  }
  const uint64_t body = item.body();
  const uint64_t units = 1 + units_of(item.meta.size() + body);
  if (units + 1 > memory().capacity / kUnit) {
    return patience.deadline == 0 ? PutEnd::kNoRoom : stream(item, patience);
  }
  if (!has_room(units)) {
    return PutEnd::kNoRoom;
  }
  if (!allocate_for(units)) {
    return PutEnd::kNoMemory;
  }
  const RecordHeader header{
      .size = static_cast<uint32_t>(item.meta.size() + body), .meta = static_cast<uint16_t>(item.meta.size()), .tag = item.tag};
  const Position at = head();
  write_at(at, 0, &header, sizeof header);
  write_at(at, kUnit, item.meta.data(), item.meta.size());
  write_parts(at, kUnit + item.meta.size(), item, 0, body);
  commit(at.plus(units, 1));
  return PutEnd::kDone;
}

// An item larger than the ring. The put mutex is held to its end: other items wait behind it.
PutEnd Queue::stream(const Outgoing& item, const Patience& patience) {
  const uint64_t body = item.body();
  memory().put.streaming.store(1 + head().items, std::memory_order_relaxed);
  for (uint64_t from = 0; from < body;) {
    const Position at = head();
    const bool is_first = from == 0;
    const uint64_t prefix = is_first ? sizeof body + item.meta.size() : 0;
    const uint64_t size = std::min(body - from, piece_bytes(memory().capacity) - prefix);
    const uint64_t units = 1 + units_of(prefix + size);
    const Wait waited = wait(memory().tail.bell, patience, [&] {
      return refusal() != PutEnd::kDone || head().units_since(tail()) + units + 1 <= memory().capacity / kUnit;
    });
    if (waited != Wait::kReady || refusal() != PutEnd::kDone || !allocate_for(units)) {
      abort_stream();
      if (waited == Wait::kReady) {
        return refusal() != PutEnd::kDone ? refusal() : PutEnd::kNoMemory;
      }
      return waited == Wait::kTimedOut ? PutEnd::kFull : PutEnd::kInterrupted;
    }
    const bool is_last = from + size == body;
    const Kind later = is_last ? Kind::kEnd : Kind::kMiddle;
    const RecordHeader header{.size = static_cast<uint32_t>(prefix + size),
                              .meta = static_cast<uint16_t>(is_first ? item.meta.size() : 0),
                              .tag = item.tag,
                              .kind = is_first ? Kind::kBegin : later};
    write_at(at, 0, &header, sizeof header);
    if (is_first) {
      write_at(at, kUnit, &body, sizeof body);
      write_at(at, kUnit + sizeof body, item.meta.data(), item.meta.size());
    }
    write_parts(at, kUnit + prefix, item, from, size);
    commit(at.plus(units, is_last ? 1 : 0));
    ring_for_item();
    from += size;
  }
  memory().put.streaming.store(0, std::memory_order_relaxed);
  return PutEnd::kDone;
}

PutEnd Queue::try_put(const Outgoing& item) {
  if (memory().breaks) {
    enter(kProducer);
  }
  if (lock_put(0) == Locked::kNo) {
    return PutEnd::kNoRoom;
  }
  const PutEnd end = put_locked(item, true, Patience{.deadline = 0});
  memory().put.mutex.unlock();
  if (end == PutEnd::kDone) {
    ring_for_item();
  }
  return end;
}

PutEnd Queue::put_until(const Outgoing& item, WaitFor what, bool is_counted, const Patience& patience) {
  const uint64_t units = 1 + units_of(item.meta.size() + item.body());
  const uint64_t needed = std::min(units, piece_bytes(memory().capacity) / kUnit);
  for (bool has_waited = false;; has_waited = true) {
    const bool waits_for_lock = what == WaitFor::kRoom;
    if (lock_put(waits_for_lock ? lock_slice_of(patience) : now() + kShortLock) == Locked::kNo) {
      if (!waits_for_lock || is_over(patience)) {
        return waits_for_lock ? PutEnd::kFull : PutEnd::kNoRoom;
      }
      if (is_interrupted(patience)) {
        return PutEnd::kInterrupted;
      }
      continue;
    }
    const PutEnd end = put_locked(item, is_counted, what == WaitFor::kRoom ? patience : Patience{.deadline = 0});
    if (end == PutEnd::kDone && !is_counted) {
      forget_spilled();
    }
    memory().put.mutex.unlock();
    if (end == PutEnd::kDone) {
      ring_for_item();
      if (has_waited) {
        memory().tail.bell.ring(); // there may be room for the next one that waits
      }
      return end;
    }
    const bool waits = end == PutEnd::kFull ? what != WaitFor::kNothing : end == PutEnd::kNoRoom && what == WaitFor::kRoom;
    if (!waits) {
      return end;
    }
    const Wait waited = wait(memory().tail.bell, patience, [&] {
      return refusal() != PutEnd::kDone || ((!is_counted || has_place()) && (what == WaitFor::kBound || fits(needed)));
    });
    if (waited != Wait::kReady) {
      return waited == Wait::kTimedOut ? PutEnd::kFull : PutEnd::kInterrupted;
    }
  }
}

PutEnd Queue::put(const Outgoing& item, WaitFor what, const Patience& patience) {
  if (memory().breaks) {
    enter(kProducer);
  }
  return put_until(item, what, true, patience);
}

PutEnd Queue::feed(const Outgoing& item, const Patience& patience) { return put_until(item, WaitFor::kRoom, false, patience); }

PutEnd Queue::spill(bool may_wait, const Patience& patience) {
  Participant* mine = enter(kProducer);
  for (;;) {
    // Where somebody streams a large item, nobody can have the lock for long; then the bound is looked at without it.
    const bool is_locked = memory().most_items > 0 && lock_put(now() + kShortLock) != Locked::kNo;
    const bool has_one = has_place();
    if (has_one && mine != nullptr) {
      mine->spilled.fetch_add(1, std::memory_order_seq_cst);
    }
    if (is_locked) {
      memory().put.mutex.unlock();
    }
    if (has_one || !may_wait) {
      return has_one ? PutEnd::kDone : PutEnd::kFull;
    }
    const Wait waited = wait(memory().tail.bell, patience, [&] { return has_place(); });
    if (waited != Wait::kReady) {
      return waited == Wait::kTimedOut ? PutEnd::kFull : PutEnd::kInterrupted;
    }
  }
}

void Queue::forget_spilled() {
  Participant* mine = enter(kProducer);
  if (mine != nullptr) {
    mine->spilled.fetch_sub(1, std::memory_order_seq_cst);
  }
}

} // namespace hasten::pool::shm
