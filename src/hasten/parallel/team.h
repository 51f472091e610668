// The threads that help with parallel loops: one team for the process, started as loops need it.
//
// They are threads of our own because of fork: a child has none of its parent's threads, and oneTBB, unless it could be finalised before
// the fork (not while any thread is in a loop), goes on with one thread for ever. Here the child forgets the team and starts a new one.
//
// The threads block all signals. They spin for a moment when work ends, as long as spinning has lately been worth it, then sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

namespace hasten::parallel {

// Work that several threads can join. Lives on the stack of the thread that publishes it.
class Job {
public:
  explicit Job(int seats) : seats_(seats) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Runs in a thread of the team until nothing is left to claim; seats count from 1, the publisher has seat 0.
  virtual void work(int seat) = 0;
  // Whether joining makes sense still. Called under the team's lock.
  virtual bool has_work() const = 0;

  int seats() const { return seats_; }

private:
  friend class Team;

  const int seats_;
  int taken_ = 1;              // seats given away; guarded by the team's lock
  std::atomic<int> active_{0}; // threads of the team inside work()
  Job* next_ = nullptr;        // list of published jobs
};

class Team {
public:
  // This process's team. Never destroyed.
  static Team& get();

  // Lets threads join the job, starting and waking them as needed.
  void publish(Job& job);

  // Takes the job back: nobody joins any more, and all who joined have left when it returns. `idle` is called every few milliseconds while
  // it waits.
  void retire(Job& job, const std::function<void()>& idle);

  // Whether some thread would notice new work without being woken.
  bool is_awake() const { return spinning_.load(std::memory_order_relaxed) > 0; }

private:
  struct State;
  struct Sleeper;

  Team();
  void start_threads(int wanted);
  void thread_main();
  Job* join_any(int* seat);
  bool spin(uint32_t seen, int64_t* budget);
  void steer_away();
  void sleep(std::unique_lock<std::mutex>& lock, uint32_t seen);

  State* state_;
  std::atomic<uint32_t> epoch_{0}; // changes with every published job
  std::atomic<int> spinning_{0};
};

} // namespace hasten::parallel
