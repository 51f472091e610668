#include "hasten/abi/large_memory.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace hasten::abi {
namespace {

constexpr int64_t kPage = 4096;
constexpr int64_t kHugePage = int64_t{2} << 20;
// Above this, zeroing kept memory costs more than the system's zero pages, which come only where they are touched.
constexpr int64_t kMostZeroed = int64_t{32} << 20;
constexpr int kClasses = 64 * 4;

// Four classes for each power of two, so that at most a quarter of a piece is unused and a loop with slowly changing sizes reuses memory.
int64_t rounded(int64_t bytes) {
  const int64_t step = std::max(kPage, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes)) / 4));
  return (bytes + step - 1) / step * step;
}

int class_of(int64_t rounded_bytes) {
  const int log = std::bit_width(static_cast<uint64_t>(rounded_bytes)) - 1;
  return log * 4 + static_cast<int>((rounded_bytes >> (log - 2)) & 3);
}

// Lies at the beginning of a kept piece. In two lists: of its class, youngest first, and of all by age.
struct Kept {
  int64_t bytes;
  Kept* class_next;
  Kept* class_previous;
  Kept* older;
  Kept* younger;
};

struct Store {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  Kept* classes[kClasses] = {};
  Kept* oldest = nullptr;
  Kept* youngest = nullptr;
  int64_t bytes = 0;
};

constinit Store store;

// A fork in another thread must not leave the child with a locked mutex or half a list.
[[maybe_unused]] const int at_fork = pthread_atfork([] { pthread_mutex_lock(&store.mutex); }, [] { pthread_mutex_unlock(&store.mutex); },
                                                    [] { pthread_mutex_unlock(&store.mutex); });

class Lock {
public:
  Lock() { pthread_mutex_lock(&store.mutex); }
  ~Lock() { pthread_mutex_unlock(&store.mutex); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

void add(Kept* piece) {
  Kept*& head = store.classes[class_of(piece->bytes)];
  piece->class_previous = nullptr;
  piece->class_next = head;
  if (head != nullptr) {
    head->class_previous = piece;
  }
  head = piece;
  piece->younger = nullptr;
  piece->older = store.youngest;
  (store.youngest != nullptr ? store.youngest->younger : store.oldest) = piece;
  store.youngest = piece;
  store.bytes += piece->bytes;
}

void remove(Kept* piece) {
  (piece->class_previous != nullptr ? piece->class_previous->class_next : store.classes[class_of(piece->bytes)]) = piece->class_next;
  if (piece->class_next != nullptr) {
    piece->class_next->class_previous = piece->class_previous;
  }
  (piece->older != nullptr ? piece->older->younger : store.oldest) = piece->younger;
  (piece->younger != nullptr ? piece->younger->older : store.youngest) = piece->older;
  store.bytes -= piece->bytes;
}

// Takes pieces out, oldest first, until at most `bytes` are kept; returns them linked by `younger`.
Kept* take_oldest_down_to(int64_t bytes) {
  Kept* taken = nullptr;
  while (store.bytes > bytes) {
    Kept* piece = store.oldest;
    remove(piece);
    piece->younger = taken;
    taken = piece;
  }
  return taken;
}

// Outside the lock: the system takes its time.
void unmap_all(Kept* piece) {
  while (piece != nullptr) {
    Kept* next = piece->younger;
    munmap(piece, static_cast<size_t>(piece->bytes));
    piece = next;
  }
}

void* map_fresh(int64_t bytes) {
  void* memory = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  if (bytes >= 2 * kHugePage) {
    madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE); // a wish: systems without huge pages refuse it
  }
  return memory;
}

void* take_kept(int64_t bytes) {
  const Lock lock;
  Kept* piece = store.classes[class_of(bytes)]; // a class holds one size only
  if (piece != nullptr) {
    remove(piece);
  }
  return piece;
}

} // namespace

void* allocate_large(int64_t bytes, bool zero) {
  const int64_t size = rounded(bytes);
  if (!zero || size <= kMostZeroed) {
    if (void* memory = take_kept(size)) {
      if (zero) {
        std::memset(memory, 0, static_cast<size_t>(bytes));
      }
      return memory;
    }
  }
  void* memory = map_fresh(size);
  if (memory == nullptr && kept_large_bytes() > 0) {
    drop_kept_large();
    memory = map_fresh(size);
  }
  return memory;
}

void free_large(void* memory, int64_t bytes) {
  const int64_t size = rounded(bytes);
  const int64_t most = most_kept_large_bytes();
  if (size > most / 2) {
    munmap(memory, static_cast<size_t>(size));
    return;
  }
  auto* piece = static_cast<Kept*>(memory);
  piece->bytes = size;
  Kept* dropped = nullptr;
  {
    const Lock lock;
    dropped = take_oldest_down_to(most - size);
    add(piece);
  }
  unmap_all(dropped);
}

int64_t kept_large_bytes() {
  const Lock lock;
  return store.bytes;
}

int64_t most_kept_large_bytes() {
  static const int64_t most = std::min(int64_t{256} << 20, static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / 8);
  return most;
}

void drop_kept_large() {
  Kept* dropped = nullptr;
  {
    const Lock lock;
    dropped = take_oldest_down_to(0);
  }
  unmap_all(dropped);
}

} // namespace hasten::abi
