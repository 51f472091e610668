#include "hasten/base/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hasten::base {
namespace {

SourcePoint point() {
  SourcePoint point;
  point.file = "walk.py";
  point.function = "step";
  point.text = "    return a + b";
  point.line = 7;
  point.column = 11;
  point.end_column = 16;
  return point;
}

TEST(Diagnostic, ShowsPlaceCaretMessageNotesAndWayOut) {
  Diagnostic diagnostic(Fault::kUser, "can't add str and int", "Convert one of them.");
  diagnostic.at(point()).note("a is str");
  EXPECT_STREQ(diagnostic.what(), "File \"walk.py\", line 7, in step\n"
                                  "    return a + b\n"
                                  "           ^^^^^\n"
                                  "can't add str and int\n"
                                  "a is str\n"
                                  "Convert one of them.");
}

TEST(Diagnostic, KeepsTheFirstPlace) {
  SourcePoint other = point();
  other.line = 99;
  Diagnostic diagnostic(Fault::kUser, "message");
  diagnostic.at(point()).at(other);
  EXPECT_EQ(diagnostic.point().line, 7);
}

TEST(Diagnostic, DrawsNoCaretBehindTheEndOfTheLine) {
  SourcePoint place = point();
  place.column = 80;
  Diagnostic diagnostic(Fault::kUser, "message");
  diagnostic.at(place);
  EXPECT_THAT(diagnostic.what(), testing::Not(testing::HasSubstr("^")));
}

TEST(Diagnostic, AnInternalErrorSaysThatItIsOurs) {
  try {
    internal_error("a block without an end");
    FAIL();
  } catch (const Diagnostic& diagnostic) {
    EXPECT_EQ(diagnostic.fault(), Fault::kInternal);
    EXPECT_THAT(diagnostic.what(), testing::HasSubstr("a mistake in Hasten"));
  }
}

} // namespace
} // namespace hasten::base
