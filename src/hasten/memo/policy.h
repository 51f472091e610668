// Which entry a full cache gives up. One thread at a time; nothing throws but the constructor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hasten/base/export.h"

namespace hasten::memo {

// An entry as table and policy see it. Belongs to one table at most.
struct Node {
  uint64_t hash = 0;
  Node* older = nullptr;
  Node* newer = nullptr;
  uint8_t frequency = 0; // how often it was used, as far as the policy counts
  uint8_t queue = 0;     // in which of the policy's queues it waits
};

enum class PolicyKind : uint8_t {
  kNone,   // nothing is ever evicted, no order is kept
  kLru,    // the least recently used
  kLfu,    // the least often used (counted to 255), among those the least recently used
  kS3Fifo, // three queues: what is used once leaves quickly, what is used again stays
};

class HASTEN_API Policy {
public:
  // `capacity`: how many nodes there will be at most; 0 where nobody knows.
  Policy(PolicyKind kind, size_t capacity);

  PolicyKind kind() const { return kind_; }
  void inserted(Node& node);
  void used(Node& node);
  void erased(Node& node);
  // The next to go; it stays until erased() is called. Null where there is none.
  Node* victim();
  void forget_all();

  void move_to_newest(Node& node) {
    if (&node == queues_[0].newest()) {
      return;
    }
    Queue::unlink(node);
    queues_[0].push(node);
  }

private:
  static constexpr size_t kQueues = 256;

  // A ring around a node of its own.
  class Queue {
  public:
    Queue() { clear(); }
    Queue(const Queue&) : Queue() {}
    Queue& operator=(const Queue&) = delete;
    bool empty() const { return root_.newer == &root_; }
    Node* oldest() { return root_.newer; }
    Node* newest() { return root_.older; }
    void push(Node& node) {
      Node* const last = root_.older;
      node.older = last;
      node.newer = &root_;
      last->newer = &node;
      root_.older = &node;
    }
    static void unlink(Node& node) {
      node.older->newer = node.newer;
      node.newer->older = node.older;
    }
    void clear() { root_.older = root_.newer = &root_; }

  private:
    Node root_;
  };

  void enqueue(Node& node, size_t queue);
  Node* s3_fifo_victim();
  uint64_t& ghost_at(uint64_t hash);
  bool was_here_lately(uint64_t hash);

  PolicyKind kind_;
  size_t capacity_;
  std::vector<Queue> queues_; // lru: one; lfu: one a frequency; s3-fifo: newcomers, residents
  std::array<size_t, 2> lengths_{};
  std::vector<uint64_t> ghosts_; // of s3-fifo: hashes of newcomers that left
};

} // namespace hasten::memo
