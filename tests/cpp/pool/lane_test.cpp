// Deaths, recalls and time-outs at every step of a worker: each item has exactly one fate, and no item that started starts again.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "hasten/pool/parent_lane.h"
#include "hasten/pool/worker_lane.h"

namespace hasten::pool {
namespace {

base::FileDescriptor copy_of(int fd) { return base::FileDescriptor(dup(fd)); }

std::unique_ptr<Task> make_task(uint64_t base, uint32_t items, std::string payload = "payload", int64_t timeout = 1) {
  auto task = std::make_unique<Task>();
  task->body = std::move(payload);
  task->base = base;
  task->end = items;
  task->timeout = timeout;
  return task;
}

// A worker that does one step at a time, and can be dead after any of them.
class SteppedWorker {
public:
  explicit SteppedWorker(int fd)
      : segment_(shm::Segment::adopt(copy_of(fd))), memory_(*reinterpret_cast<LaneMemory*>(segment_.data())),
        outflow_(memory_.outflow_indices, memory_.outflow.data(), kRingBytes) {}

  std::vector<uint64_t> started; // base + item of what began to run

  // False where nothing is left to do, or the worker knows that it is being killed.
  bool step(const std::vector<uint64_t>& bases) {
    Slot& slot = memory_.slots[ticket_ % kSlots];
    switch (phase_) {
    case 0: {
      const shm::Glance glance = shm::glance(slot.claim.load(), ticket_);
      if (glance == shm::Glance::kNothing) {
        return false;
      }
      item_ = slot.claim.load().item;
      if (glance == shm::Glance::kReady && slot.claim.claim(ticket_, item_)) {
        phase_ = 1;
      } else {
        ++ticket_;
      }
      return true;
    }
    case 1:
      started.push_back(bases[ticket_] + item_);
      phase_ = 2;
      return true;
    case 2: {
      const RecordHeader header{.ticket = static_cast<uint16_t>(ticket_), .tag = 7, .flags = RecordHeader::inline_flags(0), .length = 0};
      outflow_.write(&header, sizeof header);
      phase_ = 3;
      return true;
    }
    case 3:
      is_last_ = item_ + 1 == slot.end;
      phase_ = 4;
      if (slot.is_timed == 0) {
        return !is_last_ || slot.claim.finish(ticket_, slot.first);
      }
      return is_last_ ? slot.claim.finish(ticket_, item_) : slot.claim.advance(ticket_, item_);
    default:
      outflow_.commit();
      phase_ = is_last_ ? 0 : 1;
      ticket_ += is_last_ ? 1 : 0;
      item_ = is_last_ ? 0 : item_ + 1;
      return true;
    }
  }

private:
  shm::Segment segment_;
  LaneMemory& memory_;
  shm::RingProducer outflow_;
  uint32_t ticket_ = 0;
  uint32_t item_ = 0;
  int phase_ = 0;
  bool is_last_ = false;
};

struct Fates {
  std::vector<uint64_t> done;
  std::vector<uint64_t> lost;
  std::vector<uint64_t> again;
};

void read_all(ParentLane& lane, Fates& fates) {
  ParentLane::Record record{};
  while (lane.read(&record) == ParentLane::Read::kRecord) {
    fates.done.push_back(record.task->base + record.item);
    lane.take_finished();
  }
}

void add_rest(const Task& task, std::vector<uint64_t>& to) {
  for (uint32_t item = task.first; item < task.end; ++item) {
    to.push_back(task.base + item);
  }
}

enum class Act { kNothing, kRecallNewest, kRecallAll, kKill, kRead, kPlaceMore };

// Runs a worker for `steps` steps, with one act of the parent after `when` of them, then the worker is dead.
void check_one(int steps, Act act, int when, int64_t timeout) {
  SCOPED_TRACE(testing::Message() << steps << " steps, act " << static_cast<int>(act) << " after " << when << ", time limit " << timeout);
  const auto make_task = [timeout](uint64_t base, uint32_t items) { return pool::make_task(base, items, "payload", timeout); };
  ParentLane lane(0, 0);
  std::vector<uint64_t> bases{0, 10, 20};
  lane.place(make_task(0, 3));
  lane.place(make_task(10, 1));
  lane.place(make_task(20, 2));
  std::vector<uint64_t> all{0, 1, 2, 10, 20, 21};
  SteppedWorker worker(lane.fd());
  Fates fates;
  for (int step = 0;; ++step) {
    if (step == when) {
      std::unique_ptr<Task> newest;
      switch (act) {
      case Act::kNothing:
        break;
      case Act::kRecallNewest:
        newest = lane.recall_newest();
        if (newest != nullptr) {
          add_rest(*newest, fates.again);
        }
        break;
      case Act::kRecallAll:
        for (const auto& task : lane.recall_of(nullptr)) {
          add_rest(*task, fates.again);
        }
        break;
      case Act::kKill:
        lane.kill_overdue(shm::now() + 1000);
        break;
      case Act::kRead:
        read_all(lane, fates);
        break;
      case Act::kPlaceMore:
        lane.place(make_task(30, 1));
        bases.push_back(30);
        all.push_back(30);
        break;
      }
    }
    if (step == steps || !worker.step(bases)) {
      break;
    }
  }
  read_all(lane, fates);
  for (auto& left : lane.bury()) {
    if (left.is_touched) {
      fates.lost.push_back(left.task->base + left.task->first++);
    }
    add_rest(*left.task, fates.again);
  }
  std::vector<uint64_t> seen = fates.done;
  seen.insert(seen.end(), fates.lost.begin(), fates.lost.end());
  seen.insert(seen.end(), fates.again.begin(), fates.again.end());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, all);
  EXPECT_LE(fates.lost.size(), 1U);
  for (const uint64_t item : worker.started) {
    EXPECT_EQ(std::count(fates.again.begin(), fates.again.end(), item), 0) << "item " << item << " would run twice";
  }
  for (const uint64_t item : fates.lost) {
    // A worker may die between the claim and the call; the claim counts.
    EXPECT_EQ(std::count(fates.done.begin(), fates.done.end(), item), 0);
  }
}

TEST(Lane, EachItemHasOneFateWhateverHappensAtAnyStep) {
  constexpr int kSteps = 32; // more than three tasks take
  for (int steps = 0; steps <= kSteps; ++steps) {
    for (const Act act : {Act::kNothing, Act::kRecallNewest, Act::kRecallAll, Act::kKill, Act::kRead, Act::kPlaceMore}) {
      for (int when = 0; when <= steps; ++when) {
        check_one(steps, act, when, 0);
        check_one(steps, act, when, 1);
      }
    }
  }
}

class BothEnds : public testing::Test {
protected:
  ParentLane parent_{0, 0};
  shm::Segment bell_ = shm::Segment::create("bell", 4096);
  WorkerLane worker_{copy_of(parent_.fd()), copy_of(bell_.fd()), 0};

  void send_all(const std::string& data) {
    size_t sent = 0;
    WorkerLane::Sent outcome{};
    do {
      outcome = worker_.send(7, data.data(), data.size(), &sent);
    } while (outcome == WorkerLane::Sent::kAgain);
    ASSERT_EQ(outcome, WorkerLane::Sent::kDone);
  }
};

TEST_F(BothEnds, ATaskTravels) {
  parent_.place(make_task(0, 1, "question"));
  ASSERT_EQ(worker_.take(-1), WorkerLane::Found::kTask);
  std::string got(worker_.payload_size(), '\0');
  EXPECT_EQ(worker_.read_payload(got.data(), got.size()), got.size());
  EXPECT_EQ(got, "question");
  send_all("answer");
  ParentLane::Record record{};
  ASSERT_EQ(parent_.read(&record), ParentLane::Read::kRecord);
  EXPECT_EQ(std::string(record.data, record.size), "answer");
  EXPECT_EQ(record.tag, 7);
  EXPECT_NE(parent_.take_finished(), nullptr);
  EXPECT_EQ(parent_.outstanding(), 0U);
  EXPECT_EQ(worker_.take(0), WorkerLane::Found::kNothing);
}

TEST_F(BothEnds, TicketsGoRoundManyTimes) {
  for (uint32_t turn = 0; turn < 1000; ++turn) {
    const std::string text = std::string(turn * 37 % 5000, 'x') + std::to_string(turn);
    parent_.place(make_task(turn, 1, text));
    parent_.place(make_task(turn, 1, "recalled"));
    ASSERT_NE(parent_.recall_newest(), nullptr);
    ASSERT_EQ(worker_.take(-1), WorkerLane::Found::kTask);
    std::string got(worker_.payload_size(), '\0');
    worker_.read_payload(got.data(), got.size());
    ASSERT_EQ(got, text);
    send_all(got);
    ParentLane::Record record{};
    ASSERT_EQ(parent_.read(&record), ParentLane::Read::kRecord);
    ASSERT_EQ(std::string(record.data, record.size), text);
    parent_.take_finished();
    parent_.release();
  }
}

TEST_F(BothEnds, LargeTasksAndResultsTravelInPieces) {
  const std::string large(3 * kRingBytes + 17, 'q');
  parent_.place(make_task(0, 1, large));
  std::thread other([&] {
    ASSERT_EQ(worker_.take(-1), WorkerLane::Found::kTask);
    std::string got(worker_.payload_size(), '\0');
    for (size_t done = 0; done < got.size();) {
      done += worker_.read_payload(got.data() + done, got.size() - done);
    }
    EXPECT_EQ(got, large);
    send_all(got);
  });
  ParentLane::Record record{};
  while (parent_.read(&record) == ParentLane::Read::kEmpty) {
    parent_.stream();
    parent_.release();
  }
  EXPECT_EQ(record.size, large.size());
  EXPECT_EQ(std::string(record.data, record.size), large);
  other.join();
}

TEST_F(BothEnds, AWorkerThatWasStoppedFinishesWhatItHasFirst) {
  parent_.place(make_task(0, 1));
  parent_.stop();
  EXPECT_EQ(worker_.take(-1), WorkerLane::Found::kTask);
  send_all("");
  EXPECT_EQ(worker_.take(-1), WorkerLane::Found::kStop);
}

TEST_F(BothEnds, AnItemThatWasKilledSendsNothing) {
  parent_.place(make_task(0, 2));
  ASSERT_EQ(worker_.take(-1), WorkerLane::Found::kTask);
  EXPECT_TRUE(parent_.kill_overdue(shm::now() + 1000));
  size_t sent = 0;
  EXPECT_EQ(worker_.send(7, "late", 4, &sent), WorkerLane::Sent::kKilled);
  ParentLane::Record record{};
  EXPECT_EQ(parent_.read(&record), ParentLane::Read::kEmpty);
  const auto left = parent_.bury();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(left.front().is_touched);
  EXPECT_EQ(left.front().why, Loss::kTimedOut);
}

TEST_F(BothEnds, NonsenseInTheRingIsTakenForADeath) {
  parent_.place(make_task(0, 1));
  shm::Segment theirs = shm::Segment::adopt(copy_of(parent_.fd()));
  reinterpret_cast<LaneMemory*>(theirs.data())->outflow_indices.head.store(uint64_t{1} << 50);
  ParentLane::Record record{};
  EXPECT_EQ(parent_.read(&record), ParentLane::Read::kEmpty);
  EXPECT_FALSE(parent_.accepts(*make_task(1, 1)));
}

TEST(Lane, ALaneIsFullAfterItsSlots) {
  ParentLane lane(0, 0);
  for (uint32_t count = 0; count < kSlots; ++count) {
    ASSERT_TRUE(lane.accepts(*make_task(0, 1)));
    lane.place(make_task(0, 1));
  }
  EXPECT_FALSE(lane.accepts(*make_task(0, 1)));
}

TEST(Lane, AWorkerOfThreeTasksIsGivenThree) {
  ParentLane lane(0, 3);
  for (int count = 0; count < 3; ++count) {
    lane.place(make_task(0, 1));
  }
  EXPECT_FALSE(lane.accepts(*make_task(0, 1)));
  EXPECT_NE(lane.recall_newest(), nullptr);
  EXPECT_TRUE(lane.accepts(*make_task(0, 1)));
}

} // namespace
} // namespace hasten::pool
