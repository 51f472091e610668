#include "hasten/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace hasten::base {
namespace {

std::string logged(LogLevel at, LogLevel message) {
  set_log_level(at);
  testing::internal::CaptureStderr();
  log(message, "told");
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesWhatTheLevelAsksFor) {
  EXPECT_EQ(logged(LogLevel::kInfo, LogLevel::kInfo), "hasten[" + std::to_string(::getpid()) + "] info: told\n");
  EXPECT_THAT(logged(LogLevel::kDebug, LogLevel::kError), testing::EndsWith("error: told\n"));
  EXPECT_EQ(logged(LogLevel::kInfo, LogLevel::kDebug), "");
}

TEST(Log, IsSilentWhereNobodyAsked) {
  EXPECT_EQ(logged(LogLevel::kSilent, LogLevel::kError), "");
  EXPECT_EQ(logged(LogLevel::kDebug, LogLevel::kSilent), "");
}

TEST(Log, KnowsItsLevelsByName) {
  EXPECT_EQ(log_level_from_name("debug"), LogLevel::kDebug);
  EXPECT_EQ(log_level_from_name("silent"), LogLevel::kSilent);
  EXPECT_EQ(log_level_from_name("loud"), std::nullopt);
}

} // namespace
} // namespace hasten::base
