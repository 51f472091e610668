// A task as the parent holds it: a pickle that names several calls, its items, and who wants their results.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace hasten::pool {

struct Task {
  size_t size() const { return (head != nullptr ? head->size() : 0) + body.size(); }
  // Copies [offset, offset + count) of head and body.
  void copy_payload(char* into, size_t offset, size_t count) const;

  std::shared_ptr<const std::string> head; // the payload's first part, which many tasks share; may be null
  std::string body;                        // the rest of the payload
  std::shared_ptr<const void> cargo;       // what the payload refers to, kept as long as the task
  void* owner = nullptr;                   // given back with each result
  uint64_t base = 0;                       // what the owner calls item 0
  uint32_t first = 0;                      // the items that are still to be run: [first, end)
  uint32_t end = 1;
  int64_t timeout = 0;                   // nanoseconds for each item; 0: none
  uint32_t group = 0;                    // if not 0: nobody waits for single items, only for all of the group
  bool is_awaited = false;               // who submits the group reads its results from then on, until all are there
  uint32_t retries = 0;                  // how often an item that fails is run again
  std::map<uint32_t, uint32_t> attempts; // failures of items that have failed
  bool is_pending = false;               // in a scheduler that has given it to no lane
};

// Why an item has no result.
enum class Loss : uint8_t {
  kDied,     // its worker died
  kTimedOut, // it was killed for taking too long
  kMemory,   // its worker used more memory than it may
};

// Takes what a drain finds. No lock is held meanwhile.
class Sink {
public:
  virtual ~Sink() = default;
  // The bytes are valid during the call.
  virtual void result(const Task& task, uint32_t item, uint8_t tag, const char* data, size_t size) = 0;
  // A worker ended and everything of it was read.
  struct WorkerEnd {
    bool was_attached; // whether it came as far as its lane
    bool starts_work;  // whether it ever claimed a task, or one that lives did
    bool was_killed;   // for what its task took, by the supervisor
  };
  virtual void worker_ended(uint64_t lane, WorkerEnd end) = 0;
  // Follows worker_ended for the item that the worker was running, if there is one.
  virtual void lost(const Task& task, uint32_t item, Loss why, uint64_t lane) = 0;
};

} // namespace hasten::pool
