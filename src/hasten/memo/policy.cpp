#include "hasten/memo/policy.h"

#include <algorithm>

namespace hasten::memo {

namespace {

constexpr size_t kNewcomers = 0;
constexpr size_t kResidents = 1;
// S3-FIFO as published (Yang et al., SOSP 2023): a tenth of the room for newcomers, uses counted to three.
constexpr size_t kNewcomersShare = 10;
constexpr uint8_t kMostUses = 3;
constexpr size_t kFewestGhosts = 64;
constexpr size_t kMostGhosts = size_t{1} << 16;

size_t queue_count(PolicyKind kind, size_t lfu_queues) {
  return kind == PolicyKind::kLfu ? lfu_queues : kind == PolicyKind::kS3Fifo ? 2 : 1;
}

} // namespace

Policy::Policy(PolicyKind kind, size_t capacity) : kind_(kind), capacity_(capacity), queues_(queue_count(kind, kQueues)) {
  if (kind == PolicyKind::kS3Fifo) {
    ghosts_.resize(std::clamp(capacity, kFewestGhosts, kMostGhosts));
  }
}

void Policy::enqueue(Node& node, size_t queue) {
  node.queue = static_cast<uint8_t>(queue);
  queues_[queue].push(node);
  if (kind_ == PolicyKind::kS3Fifo) {
    ++lengths_[queue];
  }
}

void Policy::inserted(Node& node) {
  if (kind_ == PolicyKind::kNone) {
    return;
  }
  node.frequency = 0;
  enqueue(node, kind_ == PolicyKind::kS3Fifo && was_here_lately(node.hash) ? kResidents : kNewcomers);
}

void Policy::used(Node& node) {
  switch (kind_) {
  case PolicyKind::kNone:
    break;
  case PolicyKind::kLru:
    move_to_newest(node);
    break;
  case PolicyKind::kLfu:
    Queue::unlink(node);
    node.frequency = static_cast<uint8_t>(std::min<size_t>(node.frequency + 1, kQueues - 1));
    enqueue(node, node.frequency);
    break;
  case PolicyKind::kS3Fifo:
    node.frequency = std::min<uint8_t>(node.frequency + 1, kMostUses);
    break;
  }
}

void Policy::erased(Node& node) {
  if (kind_ == PolicyKind::kNone) {
    return;
  }
  Queue::unlink(node);
  if (kind_ == PolicyKind::kS3Fifo) {
    --lengths_[node.queue];
    if (node.queue == kNewcomers) {
      ghost_at(node.hash) = node.hash;
    }
  }
}

Node* Policy::victim() {
  if (kind_ == PolicyKind::kNone) {
    return nullptr;
  }
  if (kind_ == PolicyKind::kS3Fifo) {
    return s3_fifo_victim();
  }
  for (Queue& queue : queues_) {
    if (!queue.empty()) {
      return queue.oldest();
    }
  }
  return nullptr;
}

// Every step takes away a use or moves a newcomer on, so it ends.
Node* Policy::s3_fifo_victim() {
  const size_t room = capacity_ != 0 ? capacity_ : lengths_[kNewcomers] + lengths_[kResidents];
  while (lengths_[kNewcomers] + lengths_[kResidents] != 0) {
    const bool from_newcomers = lengths_[kResidents] == 0 || lengths_[kNewcomers] * kNewcomersShare >= std::max<size_t>(room, 1);
    const size_t queue = from_newcomers && lengths_[kNewcomers] != 0 ? kNewcomers : kResidents;
    Node& node = *queues_[queue].oldest();
    if (node.frequency == 0) {
      return &node;
    }
    Queue::unlink(node);
    --lengths_[queue];
    node.frequency = queue == kNewcomers ? 0 : node.frequency - 1;
    enqueue(node, kResidents);
  }
  return nullptr;
}

// A newcomer that left later may have taken the place: that is forgetting, too.
uint64_t& Policy::ghost_at(uint64_t hash) { return ghosts_[hash * 0x9E3779B97F4A7C15u % ghosts_.size()]; }

bool Policy::was_here_lately(uint64_t hash) { return hash != 0 && ghost_at(hash) == hash; }

void Policy::forget_all() {
  for (Queue& queue : queues_) {
    queue.clear();
  }
  lengths_ = {};
  std::fill(ghosts_.begin(), ghosts_.end(), 0);
}

} // namespace hasten::memo
