// Models of the protocols of doorbells and bells, looked through in every order of their steps: whoever may be asleep at the end has
// nothing to wake up for. A step is one sequentially consistent operation, or one call of futex, as in doorbell.h and bell.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace {

constexpr uint8_t kDone = 100;
constexpr uint8_t kDead = 101;

// Visits every state that can be reached. `moves` appends the states that may follow one, and says nothing of deaths; `deaths` appends
// those that a death leads to; `check` is called where nothing moves any more but by a death.
template <typename State, typename Moves, typename Deaths, typename Check>
size_t explore(const State& first, Moves moves, Deaths deaths, Check check) {
  std::set<State> seen{first};
  std::vector<State> left{first};
  const auto add = [&](const std::vector<State>& found) {
    for (const State& state : found) {
      if (seen.insert(state).second) {
        left.push_back(state);
      }
    }
  };
  while (!left.empty()) {
    const State state = left.back();
    left.pop_back();
    std::vector<State> following;
    moves(state, following);
    if (following.empty()) {
      check(state);
    }
    deaths(state, following);
    add(following);
  }
  return seen.size();
}

// --- doorbells ---

constexpr uint8_t kAsleep = 5;

struct Sleeper {
  uint8_t at = 0;
  uint8_t seen = 0;
  auto operator<=>(const Sleeper&) const = default;
};

struct Ringer {
  uint8_t at = 0;
  uint8_t read = 0; // what it loaded first, then the value that it gave `rung`
  auto operator<=>(const Ringer&) const = default;
};

struct DoorbellState {
  uint8_t rung = 0;
  uint8_t awaited = 0;
  uint8_t woken = 0;
  uint8_t news = 0; // things that were published
  std::array<Sleeper, 2> sleepers{};
  std::array<Ringer, 2> ringers{};
  auto operator<=>(const DoorbellState&) const = default;

  // The first one waits for one thing, the second one for two.
  bool is_there(size_t sleeper) const { return news > sleeper; }
};

void step_sleeper(DoorbellState& state, size_t which) {
  Sleeper& self = state.sleepers[which];
  switch (self.at) {
  case 0:
    self.at = state.is_there(which) ? kDone : 1;
    return;
  case 1:
    self.seen = state.rung;
    self.at = 2;
    return;
  case 2:
    state.awaited = std::max<uint8_t>(state.awaited, self.seen + 1);
    self.at = 3;
    return;
  case 3:
    self.at = state.is_there(which) ? kDone : 4;
    return;
  default: // the kernel compares and lets it sleep in one step
    self.at = state.rung == self.seen ? kAsleep : 0;
  }
}

// The two counts may be read in either order.
void step_ringer(DoorbellState& state, size_t which, bool woken_first) {
  Ringer& self = state.ringers[which];
  switch (self.at) {
  case 0:
    ++state.news;
    self.at = 1;
    return;
  case 1:
    self.read = woken_first ? state.woken : state.awaited;
    self.at = 2;
    return;
  case 2:
    self.at = (woken_first ? state.awaited > self.read : self.read > state.woken) ? 3 : kDone;
    return;
  case 3:
    self.read = ++state.rung;
    self.at = 4;
    return;
  case 4:
    for (Sleeper& sleeper : state.sleepers) {
      sleeper.at = sleeper.at == kAsleep ? 0 : sleeper.at;
    }
    self.at = 5;
    return;
  default:
    state.woken = std::max(state.woken, self.read);
    self.at = kDone;
  }
}

class Doorbells : public testing::TestWithParam<bool> {};

TEST_P(Doorbells, NobodySleepsThroughWhatSomebodyRangFor) {
  const auto moves = [](const DoorbellState& state, std::vector<DoorbellState>& following) {
    for (size_t which = 0; which < 2; ++which) {
      if (state.sleepers[which].at < kAsleep) {
        step_sleeper(following.emplace_back(state), which);
      }
      if (state.ringers[which].at < kDone) {
        step_ringer(following.emplace_back(state), which, GetParam());
      }
    }
  };
  const auto deaths = [](const DoorbellState& state, std::vector<DoorbellState>& following) {
    for (size_t which = 0; which < 2; ++which) {
      if (state.ringers[which].at < kDone) {
        following.emplace_back(state).ringers[which].at = kDead;
      }
      if (state.sleepers[which].at < kDone) {
        following.emplace_back(state).sleepers[which].at = kDead;
      }
    }
  };
  const size_t states = explore(DoorbellState(), moves, deaths, [](const DoorbellState& state) {
    // What a ringer has published that died before it rang is left to the next one.
    const auto rang = std::count_if(state.ringers.begin(), state.ringers.end(), [](const Ringer& ringer) { return ringer.at == kDone; });
    for (size_t which = 0; which < 2; ++which) {
      EXPECT_FALSE(state.sleepers[which].at == kAsleep && rang > static_cast<ptrdiff_t>(which))
          << "sleeper " << which << ", rung " << int{state.rung} << ", awaited " << int{state.awaited} << ", woken " << int{state.woken};
    }
  });
  EXPECT_GT(states, 1000U);
}

INSTANTIATE_TEST_SUITE_P(EitherOrder, Doorbells, testing::Bool());

// --- bells ---

struct Consumer {
  uint8_t at = 0;
  uint8_t seen = 0;
  uint8_t has_slept = 0;
  auto operator<=>(const Consumer&) const = default;
};

constexpr uint8_t kWaits = 8;
constexpr uint8_t kRings = 20; // and the steps of a ring after it
constexpr size_t kConsumers = 2;
constexpr size_t kProducers = 3;

struct BellState {
  uint8_t rung = 0;
  uint8_t sleepers = 0;
  uint8_t signalled = 0;
  uint8_t items = 0;
  std::array<Consumer, kConsumers> consumers{};
  std::array<uint8_t, kProducers> producers{}; // where each of them is
  auto operator<=>(const BellState&) const = default;
};

// Appends what may follow a step of a ring; `at` is a place in one of the processes of the state.
template <typename Place> void step_ring(const BellState& state, Place at, std::vector<BellState>& following) {
  BellState next = state;
  switch (at(next)) {
  case kRings:
    at(next) = state.sleepers != 0 ? kRings + 1 : kDone;
    break;
  case kRings + 1:
    at(next) = state.signalled == 0 ? kRings + 2 : kDone;
    next.signalled = 1;
    break;
  case kRings + 2:
    ++next.rung;
    at(next) = kRings + 3;
    break;
  default: // any one of those who sleep is woken
    at(next) = kDone;
    for (size_t which = 0; which < kConsumers; ++which) {
      if (state.consumers[which].at == kWaits) {
        following.push_back(next);
        following.back().consumers[which].at = 6;
      }
    }
    if (std::any_of(state.consumers.begin(), state.consumers.end(), [](const Consumer& one) { return one.at == kWaits; })) {
      return;
    }
  }
  following.push_back(next);
}

void step_consumer(BellState& state, size_t which) {
  Consumer& self = state.consumers[which];
  switch (self.at) {
  case 0: // under the lock of the consumers
    if (state.items == 0) {
      self.at = 1;
      return;
    }
    --state.items;
    self.at = self.has_slept != 0 && state.items > 0 ? kRings : kDone;
    return;
  case 1:
    ++state.sleepers;
    self.at = 2;
    return;
  case 2:
    self.seen = state.rung;
    self.at = 3;
    return;
  case 3:
    state.signalled = 0;
    self.at = 4;
    return;
  case 4:
    self.at = state.items > 0 ? 6 : 5;
    return;
  case 5:
    self.at = state.rung == self.seen ? kWaits : 6;
    return;
  case 6:
    --state.sleepers;
    self.at = 7;
    return;
  default:
    state.signalled = 0;
    self.has_slept = 1;
    self.at = 0;
  }
}

TEST(Bells, NobodySleepsWhileThereAreItems) {
  const auto moves = [](const BellState& state, std::vector<BellState>& following) {
    for (size_t which = 0; which < kConsumers; ++which) {
      const uint8_t at = state.consumers[which].at;
      if (at < kWaits) {
        step_consumer(following.emplace_back(state), which);
      } else if (at >= kRings && at < kDone) {
        step_ring(state, [which](BellState& next) -> uint8_t& { return next.consumers[which].at; }, following);
      }
    }
    for (size_t which = 0; which < kProducers; ++which) {
      if (state.producers[which] == 0) {
        BellState& next = following.emplace_back(state);
        ++next.items;
        next.producers[which] = kRings;
      } else if (state.producers[which] < kDone) {
        step_ring(state, [which](BellState& next) -> uint8_t& { return next.producers[which]; }, following);
      }
    }
  };
  const size_t states = explore(
      BellState(), moves, [](const auto&, auto&) {},
      [](const BellState& state) {
        for (const Consumer& consumer : state.consumers) {
          EXPECT_FALSE(consumer.at == kWaits && state.items > 0) << int{state.items} << " items, rung " << int{state.rung};
        }
      });
  EXPECT_GT(states, 1000U);
}

} // namespace
