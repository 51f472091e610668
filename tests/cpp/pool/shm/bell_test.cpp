// No wake-up is lost, however ringers and sleepers overtake each other.
#include "hasten/pool/shm/bell.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hasten::pool::shm {
namespace {

constexpr int64_t kLong = 60'000'000'000; // nanoseconds

// What a ringer does that saw a sleeper some time ago.
void ring_late(Bell& bell) {
  ++bell.sleepers;
  bell.ring();
  --bell.sleepers;
}

TEST(Bell, WhoLiesDownNeedsAWakeUpOfItsOwn) {
  Bell bell{};
  ring_late(bell); // the sleeper had left
  const uint32_t before = bell.rung;
  bell.sleep(kLong, [&bell] {
    bell.ring(); // what is waited for comes after this look
    return true;
  });
  EXPECT_EQ(bell.rung, before + 1);
}

TEST(Bell, WhoIsRungWhileItLiesDownDoesNotSleep) {
  Bell bell{};
  bell.sleep(kLong, [&bell] {
    ring_late(bell);
    return false;
  });
  EXPECT_EQ(bell.rung, 1U);
}

TEST(Bell, ABurstCostsOneWakeUp) {
  Bell bell{};
  bell.ring(); // nobody is there
  bell.lie_down();
  for (int item = 0; item < 10; ++item) {
    bell.ring();
  }
  bell.get_up();
  EXPECT_EQ(bell.rung, 1U);
}

} // namespace
} // namespace hasten::pool::shm
