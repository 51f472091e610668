#include "hasten/pool/shm/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "hasten/pool/shm/doorbell.h"

namespace hasten::pool::shm {
namespace {

constexpr uint64_t kSmallRing = 256;
constexpr Patience kNow{.deadline = 0};

Patience soon() { return {.deadline = now() + 20'000'000'000}; }

class TextReceiver : public Receiver {
public:
  bool prepare(uint8_t, std::string_view meta, uint64_t body) override {
    this->meta = meta;
    text.assign(body, '?');
    return true;
  }
  void write(uint64_t offset, const char* data, size_t size) override { std::copy_n(data, size, text.data() + offset); }

  std::string meta;
  std::string text;
};

PutEnd put(Queue& queue, const std::string& text, WaitFor what = WaitFor::kNothing, const Patience& patience = kNow,
           const std::string& meta = "") {
  const Outgoing::Part part{text.data(), text.size()};
  return queue.put({.tag = 7, .meta = meta, .parts = {&part, 1}}, what, patience);
}

// What comes out, or why nothing did.
std::string get(Queue& queue, const Patience& patience = kNow) {
  SmallItem small;
  TextReceiver receiver;
  const GetEnd end = queue.get(small, receiver, patience);
  if (end == GetEnd::kSmall) {
    return {small.bytes.data() + small.meta, small.size - small.meta};
  }
  const std::map<GetEnd, std::string> words{{GetEnd::kNothing, "(nothing)"},
                                            {GetEnd::kClosed, "(closed)"},
                                            {GetEnd::kBroken, "(broken)"},
                                            {GetEnd::kInterrupted, "(interrupted)"}};
  return end == GetEnd::kLarge ? receiver.text : words.at(end);
}

QueueMemory& memory_of(Queue& queue) { return const_cast<QueueMemory&>(queue.facts()); }

// Runs in a process of its own, which then ends as one that is killed does: nothing is tidied up.
void die_after(const std::function<void()>& act) {
  const pid_t child = fork();
  if (child == 0) {
    act();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

std::string numbered(int number, size_t size) {
  std::string text = std::to_string(number) + ".";
  text.resize(std::max(size, text.size()), 'x');
  return text;
}

TEST(Position, CountsUnitsAndItemsEachWithItsOwnWidth) {
  const Position near_the_end{Position::kUnitMask, Position::kItemMask};
  const Position later = near_the_end.plus(3, 1);
  EXPECT_EQ(later, (Position{2, 0}));
  EXPECT_EQ(later.units_since(near_the_end), 3U);
  EXPECT_EQ(later.items_since(near_the_end), 1U);
  EXPECT_EQ(Position::unpack(near_the_end.pack()), near_the_end);
}

TEST(Queue, ItemsComeOutInOrderWhereverTheyWrapAround) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  for (int number = 0; number < 200; ++number) {
    const std::string text = numbered(number, static_cast<size_t>(number) % 90);
    ASSERT_EQ(put(queue, text), PutEnd::kDone);
    ASSERT_EQ(put(queue, "", WaitFor::kNothing, kNow, "a description"), PutEnd::kDone);
    EXPECT_EQ(queue.items(), 2U);
    ASSERT_EQ(get(queue), text);
    ASSERT_EQ(get(queue), "");
  }
  EXPECT_EQ(get(queue), "(nothing)");
}

TEST(Queue, GivesLargeItemsAndTheirDescriptionToTheReceiver) {
  Queue queue = Queue::create({});
  const std::string large(100'000, 'l');
  ASSERT_EQ(put(queue, large, WaitFor::kNothing, kNow, "meta"), PutEnd::kDone);
  SmallItem small;
  EXPECT_EQ(queue.try_get(small), GetEnd::kRefused);
  TextReceiver receiver;
  ASSERT_EQ(queue.get(small, receiver, kNow), GetEnd::kLarge);
  EXPECT_EQ(receiver.meta, "meta");
  EXPECT_EQ(receiver.text, large);
}

TEST(Queue, BoundsOfItemsAndOfBytesHold) {
  Queue queue = Queue::create({.most_items = 2});
  EXPECT_EQ(put(queue, "1"), PutEnd::kDone);
  EXPECT_EQ(put(queue, "2"), PutEnd::kDone);
  EXPECT_EQ(put(queue, "3"), PutEnd::kFull);
  EXPECT_TRUE(queue.is_full());
  EXPECT_EQ(put(queue, "3", WaitFor::kRoom, {.deadline = now() + 1'000'000}), PutEnd::kFull);
  EXPECT_EQ(get(queue), "1");
  EXPECT_EQ(put(queue, "3"), PutEnd::kDone);

  Queue narrow = Queue::create({.most_bytes = 64});
  EXPECT_EQ(put(narrow, std::string(40, 'a')), PutEnd::kDone);
  EXPECT_EQ(put(narrow, std::string(40, 'b')), PutEnd::kNoRoom);
  EXPECT_EQ(get(narrow), std::string(40, 'a'));
  EXPECT_EQ(put(narrow, std::string(400, 'c')), PutEnd::kDone) << "an item larger than the bound travels alone";
}

TEST(Queue, AnItemLargerThanTheRingPassesThroughIt) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  const std::string large = numbered(1, 10'000);
  EXPECT_EQ(put(queue, large), PutEnd::kNoRoom);
  std::thread producer([&] {
    EXPECT_EQ(put(queue, large, WaitFor::kRoom, soon(), "meta"), PutEnd::kDone);
    EXPECT_EQ(put(queue, "next", WaitFor::kRoom, soon()), PutEnd::kDone);
  });
  EXPECT_EQ(get(queue, soon()), large);
  EXPECT_EQ(get(queue, soon()), "next");
  producer.join();
  EXPECT_EQ(queue.items(), 0U);
}

TEST(Queue, AnItemLargerThanTheRingIsTakenBackWhereItsTimeIsUp) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  EXPECT_EQ(put(queue, numbered(1, 10'000), WaitFor::kRoom, {.deadline = now() + 1'000'000}), PutEnd::kFull);
  EXPECT_EQ(queue.items(), 0U);
  EXPECT_EQ(get(queue), "(nothing)");
  EXPECT_EQ(put(queue, "next"), PutEnd::kDone);
  EXPECT_EQ(get(queue), "next");
}

TEST(QueueDeaths, AProducerBeforeItsCommitHasPutNothing) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  die_after([&] {
    QueueMemory& memory = memory_of(queue);
    memory.put.mutex.try_lock();
    std::fill_n(reinterpret_cast<char*>(&memory + 1), 16, 'x');
  });
  EXPECT_EQ(get(queue), "(nothing)");
  EXPECT_EQ(put(queue, "next"), PutEnd::kDone);
  EXPECT_EQ(get(queue), "next");
}

TEST(QueueDeaths, AProducerAfterItsCommitHasPutItsItem) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  die_after([&] {
    put(queue, "item");
    memory_of(queue).put.mutex.try_lock();
  });
  EXPECT_EQ(put(queue, "next"), PutEnd::kDone);
  EXPECT_EQ(get(queue), "item");
  EXPECT_EQ(get(queue), "next");
}

TEST(QueueDeaths, AConsumerBeforeItsReleaseHasTakenNothing) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  ASSERT_EQ(put(queue, "item"), PutEnd::kDone);
  die_after([&] { memory_of(queue).get.mutex.try_lock(); });
  EXPECT_EQ(get(queue), "item");
}

// A producer of a large item that waits for room when it is killed.
void die_in_stream(Queue& queue) {
  const pid_t child = fork();
  if (child == 0) {
    put(queue, numbered(1, 10'000), WaitFor::kRoom, {});
    _exit(1);
  }
  while (queue.facts().tail.bell.sleepers.load() == 0) {
    std::this_thread::yield();
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  memory_of(queue).tail.bell.sleepers.store(0);
}

TEST(QueueDeaths, AProducerInTheMiddleOfALargeItemLeavesAnAbort) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  die_in_stream(queue);
  EXPECT_EQ(queue.items(), 0U);
  EXPECT_EQ(get(queue, {.deadline = now() + 1'000'000}), "(nothing)") << "the consumer itself finds the dead one";
  EXPECT_EQ(put(queue, "next"), PutEnd::kDone);
  EXPECT_EQ(get(queue), "next");
}

TEST(QueueDeaths, TheNextProducerAbortsALargeItemToo) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  die_in_stream(queue);
  std::thread producer([&] { EXPECT_EQ(put(queue, "next", WaitFor::kRoom, soon()), PutEnd::kDone); });
  EXPECT_EQ(get(queue, soon()), "next");
  producer.join();
}

TEST(QueueDeaths, AConsumerInTheMiddleOfALargeItemLosesThatItemOnly) {
  Queue queue = Queue::create({.capacity = kSmallRing});
  std::thread producer([&] {
    EXPECT_EQ(put(queue, numbered(1, 10'000), WaitFor::kRoom, soon()), PutEnd::kDone);
    EXPECT_EQ(put(queue, "next", WaitFor::kRoom, soon()), PutEnd::kDone);
  });
  while (queue.bytes() == 0) {
    std::this_thread::yield();
  }
  die_after([&] {
    class Dying : public TextReceiver {
      void write(uint64_t offset, const char*, size_t) override {
        if (offset > 1000) {
          kill(getpid(), SIGKILL);
        }
      }
    } receiver;
    SmallItem small;
    queue.get(small, receiver, {});
  });
  EXPECT_GT(queue.bytes(), 0U); // looks at what the dead process had looked at, which ThreadSanitizer doesn't know of
  EXPECT_EQ(get(queue, soon()), "next");
  producer.join();
}

TEST(QueueDeaths, SpilledItemsOfTheDeadAreNotCounted) {
  Queue queue = Queue::create({.most_items = 3});
  die_after([&] { queue.spill(false, kNow); });
  ASSERT_EQ(queue.spill(false, kNow), PutEnd::kDone);
  ASSERT_EQ(put(queue, "1"), PutEnd::kDone);
  EXPECT_EQ(queue.size(), 3U) << "nobody has looked yet";
  EXPECT_EQ(put(queue, "2", WaitFor::kRoom, soon()), PutEnd::kDone) << "who waits looks";
  EXPECT_EQ(queue.size(), 3U);
  const std::string spilled = "spilled";
  const Outgoing::Part part{spilled.data(), spilled.size()};
  EXPECT_EQ(queue.feed({.tag = 7, .meta = "", .parts = {&part, 1}}, soon()), PutEnd::kDone);
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(queue.items(), 3U);
}

TEST(QueueDeaths, AProducerBreaksWhatBreaksButItsItemsAreThere) {
  Queue queue = Queue::create({.breaks = true});
  die_after([&] { put(queue, "committed"); });
  EXPECT_EQ(get(queue, soon()), "committed");
  EXPECT_EQ(get(queue, soon()), "(broken)");
  EXPECT_EQ(put(queue, "late"), PutEnd::kBroken);
}

TEST(QueueDeaths, AProducerThatLeftBreaksNothing) {
  Queue queue = Queue::create({.breaks = true});
  die_after([&] {
    put(queue, "committed");
    queue.leave();
  });
  EXPECT_EQ(get(queue, soon()), "committed");
  EXPECT_EQ(get(queue, {.deadline = now() + 150'000'000}), "(nothing)");
}

TEST(QueueDeaths, TheLastConsumerBreaksItForProducersThatWait) {
  Queue queue = Queue::create({.most_items = 1, .breaks = true});
  ASSERT_EQ(put(queue, "1"), PutEnd::kDone);
  die_after([&] { get(queue); });
  ASSERT_EQ(put(queue, "2"), PutEnd::kDone);
  EXPECT_EQ(put(queue, "3", WaitFor::kRoom, soon()), PutEnd::kBroken);
}

TEST(QueueDeaths, WhoDiesAfterItWasRungIsMissedForMomentsOnly) {
  Queue queue = Queue::create({});
  memory_of(queue).head.bell.signalled.store(1);
  memory_of(queue).head.bell.sleepers.store(1);
  std::thread consumer([&] { EXPECT_EQ(get(queue, soon()), "item"); });
  ASSERT_EQ(put(queue, "item"), PutEnd::kDone);
  consumer.join();
}

TEST(Queue, ClosedItRefusesPutsAndEndsWhenItIsEmpty) {
  Queue queue = Queue::create({});
  ASSERT_EQ(put(queue, "1"), PutEnd::kDone);
  std::thread closer([&] { queue.close(false); });
  closer.join();
  EXPECT_EQ(put(queue, "2"), PutEnd::kClosed);
  EXPECT_EQ(get(queue), "1");
  EXPECT_EQ(get(queue, soon()), "(closed)");
}

TEST(Queue, ClosingEndsWhoWaits) {
  Queue queue = Queue::create({.most_items = 1});
  Queue empty = Queue::create({});
  ASSERT_EQ(put(queue, "1"), PutEnd::kDone);
  std::thread producer([&] { EXPECT_EQ(put(queue, "2", WaitFor::kRoom, {}), PutEnd::kClosed); });
  std::thread consumer([&] { EXPECT_EQ(get(empty, {}), "(closed)"); });
  while (queue.facts().tail.bell.sleepers.load() == 0 || empty.facts().head.bell.sleepers.load() == 0) {
    std::this_thread::yield();
  }
  queue.close(true);
  empty.close(false);
  producer.join();
  consumer.join();
  EXPECT_EQ(get(queue), "(closed)") << "what was in it is discarded";
}

TEST(QueueDeaths, AClosingThatItsProcessBeganIsFinished) {
  Queue queue = Queue::create({});
  memory_of(queue).closing.store(Closing::kPutsRefused);
  EXPECT_EQ(get(queue, soon()), "(closed)");
}

TEST(Queue, JoinWaitsUntilEveryItemIsDone) {
  Queue queue = Queue::create({});
  EXPECT_FALSE(queue.task_done());
  EXPECT_TRUE(queue.join(kNow));
  ASSERT_EQ(put(queue, "1"), PutEnd::kDone);
  ASSERT_EQ(put(queue, "2"), PutEnd::kDone);
  EXPECT_FALSE(queue.join(kNow));
  std::thread consumer([&] {
    get(queue, soon());
    EXPECT_TRUE(queue.task_done());
    get(queue, soon());
    EXPECT_TRUE(queue.task_done());
  });
  EXPECT_TRUE(queue.join(soon()));
  consumer.join();
  EXPECT_FALSE(queue.task_done());
}

TEST(Queue, ANonsensicalRecordBreaksIt) {
  Queue queue = Queue::create({});
  ASSERT_EQ(put(queue, "item"), PutEnd::kDone);
  const RecordHeader nonsense{.size = 4'000'000'000U};
  std::copy_n(reinterpret_cast<const char*>(&nonsense), sizeof nonsense, reinterpret_cast<char*>(&memory_of(queue) + 1));
  EXPECT_EQ(get(queue, soon()), "(broken)");
}

TEST(Queue, AWaitEndsWhenItIsInterrupted) {
  Queue queue = Queue::create({});
  const Patience patience{.is_interrupted = [](void*) { return true; }};
  EXPECT_EQ(get(queue, patience), "(interrupted)");
}

TEST(Queue, IsTheSameThroughItsDescriptor) {
  Queue queue = Queue::create({});
  Queue theirs = Queue::adopt(base::FileDescriptor(dup(queue.fd())));
  ASSERT_EQ(put(theirs, "item"), PutEnd::kDone);
  EXPECT_EQ(get(queue), "item");
  EXPECT_EQ(theirs.facts().name, queue.facts().name);
}

// Checks that what one consumer got of each producer is in order; counts items.
class Ledger {
public:
  void note(const std::string& text) {
    const size_t comma = text.find(',');
    const int producer = std::stoi(text);
    const int number = std::stoi(text.substr(comma + 1));
    const auto [last, is_new] = last_.try_emplace(producer, -1);
    EXPECT_GT(number, last->second) << "of producer " << producer;
    last->second = number;
    ++count_;
  }
  int count() const { return count_; }

private:
  std::map<int, int> last_;
  int count_ = 0;
};

std::string item_of(int producer, int number) {
  std::string text = std::to_string(producer) + "," + std::to_string(number) + ".";
  text.resize(text.size() + static_cast<size_t>(number * 37 % 700), 'x'); // small ones, large ones, and streams of them
  return text;
}

TEST(Queue, ManyThreadsOverOneMappingLoseNothing) {
  constexpr int kThreads = 3;
  constexpr int kItems = 2000;
  Queue queue = Queue::create({.capacity = 512});
  std::vector<std::thread> threads;
  std::vector<Ledger> ledgers(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int number = 0; number < kItems; ++number) {
        EXPECT_EQ(put(queue, item_of(i, number), WaitFor::kRoom, {}), PutEnd::kDone);
      }
    });
    threads.emplace_back([&, i] {
      for (std::string text = get(queue, {}); text != "(closed)"; text = get(queue, {})) {
        ledgers[static_cast<size_t>(i)].note(text);
      }
    });
  }
  for (size_t i = 0; i < threads.size(); i += 2) {
    threads[i].join();
  }
  queue.close(false);
  for (size_t i = 1; i < threads.size(); i += 2) {
    threads[i].join();
  }
  int total = 0;
  for (const Ledger& ledger : ledgers) {
    total += ledger.count();
  }
  EXPECT_EQ(total, kThreads * kItems);
}

pid_t start_producer(Queue& queue, int producer) {
  const pid_t child = fork();
  if (child == 0) {
    for (int number = 0;; ++number) {
      put(queue, item_of(producer, number), WaitFor::kRoom, {});
    }
  }
  return child;
}

pid_t start_consumer(Queue& queue) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) {
      get(queue, {});
    }
  }
  return child;
}

TEST(QueueDeaths, ProducersAndConsumersKilledAtAnyMomentLeaveAQueueThatWorks) {
  Queue queue = Queue::create({.capacity = 512});
  Ledger ledger;
  for (int round = 0; round < 100; ++round) {
    const std::array<pid_t, 3> children{start_producer(queue, 2 * round), start_producer(queue, 2 * round + 1), start_consumer(queue)};
    for (int i = 0; i < round % 7; ++i) {
      ledger.note(get(queue, soon()));
    }
    for (const pid_t child : children) {
      usleep(static_cast<useconds_t>(round * 29 % 300));
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  while (get(queue, {.deadline = now() + 1'000'000}) != "(nothing)") {
  }
  EXPECT_EQ(put(queue, "at last", WaitFor::kRoom, soon()), PutEnd::kDone);
  EXPECT_EQ(get(queue), "at last");
  EXPECT_EQ(queue.items(), 0U);
}

} // namespace
} // namespace hasten::pool::shm
