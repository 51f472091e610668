#include "hasten/abi/env.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "hasten/abi/table.h"

namespace hasten::abi {
namespace {

int hook_calls = 0;
int32_t hook_answer = 0;

int32_t counting_hook(Env*) {
  ++hook_calls;
  return hook_answer;
}

class Poll : public ::testing::Test {
protected:
  void SetUp() override {
    hook_calls = 0;
    hook_answer = 0;
    set_poll_hook(counting_hook);
  }
  void TearDown() override { set_poll_hook(nullptr); }

  static void make_late(Env* env) { env->last_poll -= 1'000'000'000; }

  // What generated code does.
  static int32_t poll(Env* env) { return --env->fuel < 0 ? hst_poll(env) : 0; }
};

TEST(Fail, FillsInKindAndMessage) {
  Env env;
  EXPECT_EQ(fail(&env, ErrorKind::kValueError, "%d of %s", 3, "five"), Status::kRuntimeError);
  EXPECT_EQ(env.error, ErrorKind::kValueError);
  EXPECT_STREQ(env.message, "3 of five");
}

TEST(Fail, CutsLongMessages) {
  Env env;
  fail(&env, ErrorKind::kValueError, "%s", std::string(2000, 'x').c_str());
  EXPECT_EQ(std::strlen(env.message), static_cast<size_t>(kMessageBytes - 1));
}

TEST(Fail, RaisersSayWhatNumpySays) {
  Env env;
  EXPECT_EQ(hst_raise_index(&env, 5, 1, 3), static_cast<int32_t>(Status::kRuntimeError));
  EXPECT_EQ(env.error, ErrorKind::kIndexError);
  EXPECT_STREQ(env.message, "index 5 is out of bounds for axis 1 with size 3");
  EXPECT_EQ(hst_raise_builtin(&env, static_cast<int32_t>(ErrorKind::kZeroDivisionError), "100% division by zero"),
            static_cast<int32_t>(Status::kRuntimeError));
  EXPECT_EQ(env.error, ErrorKind::kZeroDivisionError);
  EXPECT_STREQ(env.message, "100% division by zero");
}

TEST(Trace, KeepsTheInnermostPlaces) {
  Env env;
  for (int i = 0; i < 100; ++i) {
    hst_trace(&env, i);
  }
  EXPECT_EQ(env.trace_count, kTraceDepth);
  EXPECT_EQ(env.trace[0], 0);
  EXPECT_EQ(env.trace[kTraceDepth - 1], kTraceDepth - 1);
}

TEST(Trace, StartsAnewWithEachFailure) {
  Env env;
  hst_trace(&env, 7);
  fail(&env, ErrorKind::kValueError, "x");
  EXPECT_EQ(env.trace_count, 0);
}

TEST_F(Poll, CallsTheHookOnTheMainThreadOnly) {
  Env env;
  env.flags = kMainThread;
  EXPECT_EQ(hst_poll(&env), 0);
  make_late(&env);
  EXPECT_EQ(hst_poll(&env), 0);
  EXPECT_EQ(hook_calls, 1);

  Env other;
  EXPECT_EQ(hst_poll(&other), 0);
  make_late(&other);
  EXPECT_EQ(hst_poll(&other), 0);
  EXPECT_EQ(hook_calls, 1);
}

TEST_F(Poll, ReturnsWhatTheHookSays) {
  Env env;
  env.flags = kMainThread;
  hst_poll(&env);
  make_late(&env);
  hook_answer = static_cast<int32_t>(Status::kPythonError);
  EXPECT_EQ(hst_poll(&env), hook_answer);
}

TEST_F(Poll, RarelyReachesTheHookInTightLoops) {
  Env env;
  env.flags = kMainThread;
  const auto start = std::chrono::steady_clock::now();
  const int64_t polls = 3'000'000;
  for (int64_t i = 0; i < polls; ++i) {
    ASSERT_EQ(poll(&env), 0);
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  EXPECT_LE(hook_calls, elapsed.count() / 5 + 1);
  EXPECT_GT(env.refill, 1000);
}

TEST_F(Poll, TakesLessFuelWhereIterationsAreSlow) {
  Env env;
  env.refill = 1 << 14;
  hst_poll(&env);
  make_late(&env);
  hst_poll(&env);
  EXPECT_LT(env.refill, 1000);
  EXPECT_GE(env.refill, 1);
}

TEST_F(Poll, StopsWhenCancelled) {
  Env env;
  std::atomic<int32_t> cancel{0};
  env.cancel = &cancel;
  EXPECT_EQ(hst_poll(&env), 0);
  cancel = 1;
  EXPECT_EQ(hst_poll(&env), static_cast<int32_t>(Status::kCancelled));
}

TEST(AbiTable, NamesAreUniqueAndBound) {
  std::set<std::string_view> names;
  for (const auto& [name, address] : abi_symbols()) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(address, nullptr) << name;
  }
  EXPECT_TRUE(names.contains("hst_immortal_block"));
  EXPECT_TRUE(names.contains("hst_poll"));
}

} // namespace
} // namespace hasten::abi
