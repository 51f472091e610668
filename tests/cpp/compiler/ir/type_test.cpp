#include "hasten/compiler/ir/type.h"

#include <gtest/gtest.h>

namespace hasten::ir {
namespace {

using array::DType;

TEST(Type, DatetimesDifferByTheirUnit) {
  TypeRef ns = datetime_type(DType::kDatetime64, "ns");
  EXPECT_EQ(ns, datetime_type(DType::kDatetime64, "ns"));
  EXPECT_NE(ns, datetime_type(DType::kDatetime64, "us"));
  EXPECT_NE(ns, datetime_type(DType::kTimedelta64, "ns"));
  EXPECT_EQ(ns->name, "ns");
  EXPECT_EQ(scalar_type(DType::kDatetime64)->name, "generic");
}

TEST(Type, TheSpellingGivesTheTypeBack) {
  const TypeRef types[] = {
      datetime_type(DType::kDatetime64, "25s"),
      scalar_type(DType::kTimedelta64),
      array_type(datetime_type(DType::kTimedelta64, "D"), 2, Layout::kF, true),
      tuple_type({int_type(), array_type(scalar_type(DType::kInt8), 1, Layout::kAny), none_type()}),
      slice_type(none_type(), intp_type(), none_type()),
      optional_type(float_type()),
      range_type(false),
      union_type({scalar_type(DType::kFloat64), int_type()}),
      named_type("literal:a(b, c)"),
  };
  for (TypeRef type : types) {
    EXPECT_EQ(parse_type(type->text), type) << type->text;
  }
  EXPECT_EQ(parse_type("datetime64[ns"), nullptr);
  EXPECT_EQ(parse_type("union(pyint)"), nullptr);
  EXPECT_EQ(parse_type("union(pyint, none)"), nullptr);
  EXPECT_EQ(parse_type("timedelta64"), scalar_type(DType::kTimedelta64));
}

TEST(Type, AUnionIsATagAndItsMembers) {
  TypeRef type = union_type({scalar_type(DType::kFloat64), int_type()});
  EXPECT_EQ(slot_count(type), 3);
  EXPECT_EQ(display(type), "float64 | int");
  EXPECT_FALSE(type->counted);
}

} // namespace
} // namespace hasten::ir
