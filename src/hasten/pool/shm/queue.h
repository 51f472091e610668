// A queue in shared memory: many processes put, many get, and any of them may die at any moment. Knows bytes only.
//
// Any thread may call anything. Calls that wait sleep, and take no longer than their Patience says.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hasten/pool/shm/queue_layout.h"
#include "hasten/pool/shm/segment.h"

namespace hasten::pool::shm {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// How long a call may wait: until that moment of now(), or until asked to stop, which it looks at after a signal and now and then.
struct Patience {
  int64_t deadline = kForever;
  bool (*is_interrupted)(void*) = nullptr;
  void* context = nullptr;
};

// An item on its way in. `meta` describes it, and comes first; at most kMostMeta bytes.
struct Outgoing {
  struct Part {
    const void* data;
    size_t size;
  };
  uint8_t tag = 0;
  std::string_view meta;
  std::span<const Part> parts;

  uint64_t body() const;
};
constexpr size_t kMostMeta = 60'000;

// An item on its way out that needs no memory of its own.
struct SmallItem {
  static constexpr size_t kMost = 512;
  uint8_t tag = 0;
  uint16_t meta = 0;
  uint32_t size = 0; // with the description
  std::array<char, kMost> bytes;
};

// Where larger items go. Neither function is called with the GIL; `prepare` is called without locks, and again if the item went to
// somebody else meanwhile.
class Receiver {
public:
  virtual ~Receiver() = default;
  // False: the item stays where it is.
  virtual bool prepare(uint8_t tag, std::string_view meta, uint64_t body) = 0;
  virtual void write(uint64_t offset, const char* data, size_t size) = 0;
};

enum class PutEnd : uint8_t {
  kDone,
  kFull,     // the queue holds as many items as it may, or nothing came of the time allowed
  kNoRoom,   // no room in the ring, or the lock is taken
  kNoMemory, // the ring's pages can't be had
  kClosed,
  kBroken,
  kInterrupted,
};

enum class GetEnd : uint8_t { kSmall, kLarge, kNothing, kClosed, kBroken, kRefused, kInterrupted };

// What put() waits for.
enum class WaitFor : uint8_t {
  kNothing,
  kBound, // a place among `most_items`; kNoRoom where the ring is full
  kRoom,  // and room in the ring
};

class Queue {
public:
  struct Options {
    uint64_t most_items = 0;
    uint64_t most_bytes = 0; // also sets the capacity, if that is 0
    uint64_t capacity = 0;   // of the ring; a power of two
    bool breaks = false;
  };
  static constexpr uint64_t kDefaultCapacity = 4U << 20;

  static Queue create(const Options& options);
  // Maps one that another process made. Throws a Diagnostic where it is none.
  static Queue adopt(base::FileDescriptor fd);

  int fd() const { return segment_.fd(); }
  const QueueMemory& facts() const { return memory(); }

  PutEnd put(const Outgoing& item, WaitFor what, const Patience& patience);
  // Without waiting for anything; kNoRoom also where the lock is taken.
  PutEnd try_put(const Outgoing& item);
  // Counts an item that the caller keeps for now; feed() puts it later. Waits for a place among `most_items` only.
  PutEnd spill(bool may_wait, const Patience& patience);
  PutEnd feed(const Outgoing& item, const Patience& patience);
  // The caller has dropped an item that was spilled.
  void forget_spilled();

  // kSmall where the item is in `small`, kLarge where the receiver has it.
  GetEnd get(SmallItem& small, Receiver& receiver, const Patience& patience);
  // Without waiting or giving anything up; kRefused where it needs a receiver, or somebody else is at it.
  GetEnd try_get(SmallItem& small);

  // Waits until there may be an item, or an end (true), or the patience ends.
  bool wait_for_item(const Patience& patience);
  bool wait_for_room(const Patience& patience);
  // Waits until one of them may have an item or an end, until `other`, a futex of this process, is no longer 0, a signal comes, or the time
  // is up. At most 127.
  static void wait_for_any(const std::vector<Queue*>& queues, const std::atomic<uint32_t>& other, int64_t nanoseconds);

  // Whether get() would find something: an item, a piece of one, or an end.
  bool has_news() const;
  // Waits until `is_over()`, which is asked whenever an item came, or the last one went (`for_the_last`), and after ring_watchers(). Takes
  // nobody's wake-up.
  template <typename Condition> void watch(bool for_the_last, Condition is_over);
  void ring_watchers();

  // Items in the ring; and those that were spilled by processes that live.
  uint64_t items() const;
  uint64_t size() const { return items() + memory().participants.spilled(); }
  // The same after a look at which of them live, if any has spilled some.
  uint64_t living_size();
  bool is_full();
  uint64_t bytes() const;

  // No more items are taken in. With `discards`, those that are there are dropped.
  void close(bool discards);
  bool is_closed() const { return memory().closing.load(std::memory_order_seq_cst) != Closing::kOpen; }
  bool is_broken() const { return memory().broken.load(std::memory_order_seq_cst) != 0; }

  // False where it was called more often than items were put.
  bool task_done();
  // Waits until all items are done.
  bool join(const Patience& patience);

  // Tells the others that this process does nothing more; without it, its end counts as a death.
  void leave();
  void note_arrival() { memory().arrivals.fetch_add(1, std::memory_order_seq_cst); }

private:
  explicit Queue(Segment segment);

  QueueMemory& memory() const { return *reinterpret_cast<QueueMemory*>(segment_.data()); }
  char* ring() const { return segment_.data() + sizeof(QueueMemory); }
  Position head() const { return Position::unpack(memory().head.word.load(std::memory_order_seq_cst)); }
  Position tail() const { return Position::unpack(memory().tail.word.load(std::memory_order_seq_cst)); }

  // Bytes at a position, which may wrap around.
  void write_at(Position at, uint64_t offset, const void* data, size_t size);
  template <typename Take> void read_at(Position at, uint64_t offset, uint64_t size, Take take) const;
  RecordHeader header_at(Position at) const;
  void write_parts(Position at, uint64_t offset, const Outgoing& item, uint64_t from, uint64_t size);
  void commit(Position head);
  void release(Position tail);

  Participant* enter(Role role);
  Locked lock_put(int64_t deadline);
  void mend_put();
  PutEnd refusal() const;
  bool has_place() const;
  bool has_room(uint64_t units);
  bool fits(uint64_t units);
  bool allocate_for(uint64_t units);
  PutEnd put_locked(const Outgoing& item, bool is_counted, const Patience& patience);
  PutEnd stream(const Outgoing& item, const Patience& patience);
  void abort_stream();
  PutEnd put_until(const Outgoing& item, WaitFor what, bool is_counted, const Patience& patience);

  // Locks the consumers' side. Where that took too long, or was interrupted: how the call ends.
  std::optional<GetEnd> lock_get(const Patience& patience);
  enum class Look : uint8_t { kNothing, kSmall, kLarge };
  Look look(SmallItem& small);
  GetEnd take_large(Receiver& receiver, const Patience& patience);
  GetEnd collect(Receiver& receiver, const Patience& patience);
  bool wait_for_piece(const Patience& patience);
  bool prepare(Receiver& receiver);
  uint64_t unfinished() const;
  void ring_for_item();
  void ring_all();

  enum class Wait : uint8_t { kReady, kTimedOut, kInterrupted };
  template <typename Condition> Wait wait(Bell& bell, const Patience& patience, Condition is_there);
  void look_after_others();

  Segment segment_;
  std::atomic<uint64_t> entered_{0}; // fork generation (upper half) and roles of this process's entry
  std::atomic<Participant*> participant_{nullptr};
};

} // namespace hasten::pool::shm
