// A queue's side of consumers.
#include <algorithm>
#include <cstring>
#include <string>

#include "hasten/pool/shm/queue_wait.h"

namespace hasten::pool::shm {

template <typename Take> void Queue::read_at(Position at, uint64_t offset, uint64_t size, Take take) const {
  const uint64_t mask = memory().capacity - 1;
  const uint64_t start = (at.units * kUnit + offset) & mask;
  const uint64_t first = std::min(size, memory().capacity - start);
  if (first > 0) {
    take(ring() + start, first);
  }
  if (size > first) {
    take(ring(), size - first);
  }
}

RecordHeader Queue::header_at(Position at) const {
  RecordHeader header;
  std::memcpy(&header, ring() + (at.units * kUnit & (memory().capacity - 1)), sizeof header);
  return header;
}

void Queue::release(Position tail) {
  memory().tail.word.store(tail.pack(), std::memory_order_seq_cst);
  memory().tail.bell.ring();
  Bell& emptied = memory().watched.emptied;
  if (emptied.sleepers.load(std::memory_order_seq_cst) != 0 && head().units == tail.units) {
    emptied.ring_all();
  }
}

// Under the get mutex: what is next. Takes it, if it is small.
Queue::Look Queue::look(SmallItem& small) {
  auto& known_head = memory().get.known_head;
  for (;;) {
    const Position at = tail();
    Position end = Position::unpack(known_head.load(std::memory_order_acquire));
    if (end.units == at.units) {
      end = head();
      known_head.store(end.pack(), std::memory_order_release);
    }
    if (end.units == at.units) {
      return Look::kNothing;
    }
    const RecordHeader header = header_at(at);
    const uint64_t units = 1 + units_of(header.size);
    if (units > end.units_since(at) || header.meta > header.size) {
      memory().broken.store(1, std::memory_order_seq_cst); // somebody wrote nonsense into the memory
      return Look::kNothing;
    }
    const bool is_small = header.kind == Kind::kWhole && header.size <= SmallItem::kMost;
    if (header.kind == Kind::kBegin || (header.kind == Kind::kWhole && !is_small)) {
      return Look::kLarge;
    }
    if (is_small) {
      small.tag = header.tag;
      small.meta = header.meta;
      small.size = header.size;
      char* into = small.bytes.data();
      read_at(at, kUnit, header.size, [&](const char* data, size_t size) { into = std::copy_n(data, size, into); });
    }
    release(at.plus(units, is_small || header.kind == Kind::kEnd ? 1 : 0));
    if (is_small) {
      return Look::kSmall;
    }
  }
}

GetEnd Queue::try_get(SmallItem& small) {
  if (memory().breaks) {
    enter(kConsumer);
  }
  if (memory().get.mutex.try_lock() == Locked::kNo) {
    return GetEnd::kRefused;
  }
  const Look seen = look(small);
  memory().get.mutex.unlock();
  if (seen == Look::kSmall) {
    return GetEnd::kSmall;
  }
  return seen == Look::kLarge ? GetEnd::kRefused : GetEnd::kNothing;
}

// Under the get mutex, with the receiver ready: copies the item that begins at the tail.
GetEnd Queue::take_large(Receiver& receiver, const Patience& patience) {
  const Position at = tail();
  const RecordHeader header = header_at(at);
  if (header.kind == Kind::kBegin) {
    return collect(receiver, patience);
  }
  uint64_t offset = 0;
  read_at(at, kUnit + header.meta, header.size - header.meta, [&](const char* data, size_t size) {
    receiver.write(offset, data, size);
    offset += size;
  });
  release(at.plus(1 + units_of(header.size), 1));
  return GetEnd::kLarge;
}

// The pieces of a large item. kNothing: its producer gave up, or died.
GetEnd Queue::collect(Receiver& receiver, const Patience& patience) {
  uint64_t body = 0;
  read_at(tail(), kUnit, sizeof body,
          [into = reinterpret_cast<char*>(&body)](const char* data, size_t size) mutable { into = std::copy_n(data, size, into); });
  uint64_t offset = 0;
  for (bool is_first = true;; is_first = false) {
    const Position at = tail();
    memory().get.known_head.store(head().pack(), std::memory_order_release); // before the tail can pass what was known
    const RecordHeader header = header_at(at);
    const uint64_t prefix = is_first ? sizeof body + header.meta : 0;
    const bool is_piece = header.kind == Kind::kEnd || header.kind == (is_first ? Kind::kBegin : Kind::kMiddle);
    if (!is_piece || header.size < prefix || offset + header.size - prefix > body) {
      return GetEnd::kNothing; // look() skips what is there
    }
    read_at(at, kUnit + prefix, header.size - prefix, [&](const char* data, size_t size) {
      receiver.write(offset, data, size);
      offset += size;
    });
    release(at.plus(1 + units_of(header.size), header.kind == Kind::kEnd ? 1 : 0));
    if (header.kind == Kind::kEnd) {
      return offset == body ? GetEnd::kLarge : GetEnd::kNothing;
    }
    if (!wait_for_piece(patience)) {
      return GetEnd::kInterrupted;
    }
  }
}

// Whatever the deadline: an item that was begun is taken to its end. False where interrupted.
bool Queue::wait_for_piece(const Patience& patience) {
  for (;;) {
    const Patience slice{.deadline = now() + kFirstSlice, .is_interrupted = patience.is_interrupted, .context = patience.context};
    const Wait waited = wait(memory().head.bell, slice, [&] { return head().units != tail().units; });
    if (waited != Wait::kTimedOut) {
      return waited == Wait::kReady;
    }
    if (lock_put(0) != Locked::kNo) { // the producer has died, which the lock mends by an abort
      memory().put.mutex.unlock();
    }
  }
}

// Under the get mutex, which it gives back. Prepares the receiver for the item at the tail.
bool Queue::prepare(Receiver& receiver) {
  const Position at = tail();
  const RecordHeader header = header_at(at);
  uint64_t body = header.size - header.meta;
  uint64_t offset = kUnit;
  if (header.kind == Kind::kBegin) {
    read_at(at, offset, sizeof body,
            [into = reinterpret_cast<char*>(&body)](const char* data, size_t size) mutable { into = std::copy_n(data, size, into); });
    offset += sizeof body;
  }
  std::string meta;
  read_at(at, offset, header.meta, [&](const char* data, size_t size) { meta.append(data, size); });
  memory().get.mutex.unlock();
  return receiver.prepare(header.tag, meta, body);
}

bool Queue::has_news() const {
  return head().units != tail().units || memory().closing.load(std::memory_order_seq_cst) == Closing::kClosed || is_broken();
}

std::optional<GetEnd> Queue::lock_get(const Patience& patience) {
  while (memory().get.mutex.lock_until(lock_slice_of(patience)) == Locked::kNo) {
    if (is_over(patience)) {
      return GetEnd::kNothing;
    }
    if (is_interrupted(patience)) {
      return GetEnd::kInterrupted;
    }
  }
  return std::nullopt;
}

GetEnd Queue::get(SmallItem& small, Receiver& receiver, const Patience& patience) {
  if (memory().breaks) {
    enter(kConsumer);
  }
  bool has_waited = false;
  bool is_prepared = false;
  Position prepared_for;
  for (;;) {
    if (const std::optional<GetEnd> over = lock_get(patience)) {
      return *over;
    }
    // Read before the look: all that was committed before the end is seen.
    const bool is_at_end = memory().closing.load(std::memory_order_seq_cst) == Closing::kClosed;
    const bool was_broken = is_broken();
    GetEnd end = GetEnd::kNothing;
    switch (look(small)) {
    case Look::kSmall:
      end = GetEnd::kSmall;
      break;
    case Look::kLarge:
      if (!is_prepared || prepared_for != tail()) {
        prepared_for = tail();
        is_prepared = prepare(receiver);
        if (!is_prepared) {
          return GetEnd::kRefused;
        }
        continue;
      }
      end = take_large(receiver, patience);
      if (end == GetEnd::kNothing) {
        memory().get.mutex.unlock();
        continue;
      }
      break;
    case Look::kNothing:
      break;
    }
    memory().get.mutex.unlock();
    if (end != GetEnd::kNothing) {
      if (has_waited && head().units != tail().units) {
        memory().head.bell.ring(); // the burst that this thread was woken for has more
      }
      return end;
    }
    if (is_at_end || was_broken) {
      return is_at_end ? GetEnd::kClosed : GetEnd::kBroken;
    }
    const Wait waited = wait(memory().head.bell, patience, [&] { return has_news(); });
    if (waited != Wait::kReady) {
      return waited == Wait::kTimedOut ? GetEnd::kNothing : GetEnd::kInterrupted;
    }
    has_waited = true;
  }
}

bool Queue::wait_for_item(const Patience& patience) {
  const bool is_ready = wait(memory().head.bell, patience, [&] { return has_news(); }) == Wait::kReady;
  if (is_ready) {
    memory().head.bell.ring(); // this thread may not come for it
  }
  return is_ready;
}

bool Queue::wait_for_room(const Patience& patience) {
  return wait(memory().tail.bell, patience, [&] { return refusal() != PutEnd::kDone || (has_place() && fits(2)); }) == Wait::kReady;
}

} // namespace hasten::pool::shm
