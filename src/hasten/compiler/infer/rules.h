// The rules: what each construct of the language means for each type, one file per construct. Each yields a typed value, and emits its ops
// where the emitter isn't dry. They throw base::Diagnostic where there is no meaning.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hasten/compiler/infer/emitter.h"
#include "hasten/compiler/syntax/tree.h"

namespace hasten::infer {

using syntax::Operator;

// ---- arith.cpp, compare.cpp
enum class MemberRule : uint8_t;
MemberRule operator_rule(Operator op);
Value unary(Emitter& e, Operator op, const Value& v);
Value binary(Emitter& e, Operator op, const Value& a, const Value& b);
Value inplace(Emitter& e, Operator op, const Value& a, const Value& b);
Value compare(Emitter& e, Operator op, const Value& a, const Value& b);
Value truth(Emitter& e, const Value& v); // a bool
// Two numbers of the common type of an operation.
ir::TypeRef common_type(Emitter& e, const Value& a, const Value& b);
// dates.cpp. None where the operation means nothing on dates.
bool is_date(ir::TypeRef type); // datetime64 or timedelta64
Value is_nat(Emitter& e, const Value& v);
Value date_in_unit(Emitter& e, const Value& v, ir::TypeRef wanted);
std::optional<Value> date_binary(Emitter& e, Operator op, const Value& a, const Value& b);
std::optional<Value> date_unary(Emitter& e, Operator op, const Value& v);
std::optional<Value> date_compare(Emitter& e, ir::Op op, const Value& a, const Value& b);
Value date_magnitude(Emitter& e, const Value& v);
Value date_extreme(Emitter& e, const Value& a, const Value& b, bool want_max, bool keep_nat);

Value numeric_binary(Emitter& e, Operator op, const Value& a, const Value& b);
Value numeric_compare(Emitter& e, Operator op, const Value& a, const Value& b);
Value true_divide(Emitter& e, const Value& a, const Value& b);
// `operators`: of NumPy's scalars, whose ** is the C library's; np.power and arrays take NumPy's loops, which differ in the last bit.
Value power(Emitter& e, const Value& a, const Value& b, bool operators); // power.cpp
Value matrix_multiply(Emitter& e, const Value& a, const Value& b);       // numpy_linalg.cpp

Value absolute(Emitter& e, const Value& v); // rules_builtins.cpp
// start op item op item …, as sum() and math.prod() take them.
Value combined(Emitter& e, Operator op, const Value& iterable, const Value& start);
Value float_to_int(Emitter& e, const Value& v, ir::TypeRef to); // int(x): what has no such int raises

// ---- join.cpp
// The type that holds both; null where there is none. With exact joins numbers of two types give a union.
ir::TypeRef join(const Value& a, const Value& b, const Options& options);
// The member of a union that always holds the value, whatever the tag; null where no member can.
ir::TypeRef carrier_of(ir::TypeRef type);

// ---- unions.cpp
// A number or a union as a union that has all its members.
Value to_union(Emitter& e, const Value& v, ir::TypeRef to);
Value from_union(Emitter& e, const Value& v, ir::TypeRef to); // any member, converted
// How a rule treats members: kAlike, with the same code for all that are represented alike, as adding up is for Python's floats and
// NumPy's; kOwn, as it likes, even if the results have one type.
enum class MemberRule : uint8_t { kPlain, kAlike, kOwn };
// Applies a rule to values of which some are unions, as if each had the type that its tag says. `same[i]`: the first of the values that
// is the same as value i. The code for each member stands behind a branch on the tag, but for results that don't depend on it.
Value over_members(Emitter& e, std::vector<Value> values, const std::vector<size_t>& same, MemberRule kind, const ScalarRule& rule);
Value over_members(Emitter& e, std::span<const Value> values, MemberRule kind, const ScalarRule& rule); // all different
bool any_union(std::span<const Value> values);

// ---- subscript.cpp, set_subscript.cpp
Value subscript(Emitter& e, const Value& object, const Value& index);
void set_subscript(Emitter& e, const Value& object, const Value& index, const Value& value);
// The item at a position that is known to be in range.
Value array_item(Emitter& e, const Value& array, const Value& position);

// ---- attribute.cpp
Value attribute(Emitter& e, const Value& object, const std::string& name);
void set_attribute(Emitter& e, const Value& object, const std::string& name, const Value& value);

Value real_part(Emitter& e, const Value& complex);
Value imaginary_part(Emitter& e, const Value& complex);
// slices.cpp: start, stop or step; the step as an int64, 1 where it is None.
Value slice_part(Emitter& e, const Value& slice, std::string_view name);
Value slice_step(Emitter& e, const Value& slice);

// ---- iterate.cpp
Value iterate(Emitter& e, const Value& iterable);
Value length(Emitter& e, const Value& iteration); // int64
Value next_item(Emitter& e, const Value& iteration, const Value& position);
Value unpack(Emitter& e, const Value& v, int64_t count);
Value unpack_item(Emitter& e, const Value& v, int64_t position); // negative: from the end
Value unpack_star(Emitter& e, const Value& v, int64_t at_least);
Value unpack_rest(Emitter& e, const Value& v, int64_t before, int64_t behind); // a list

// For loops: also over channels, whose length nobody knows. A step is what the loop takes at a position, or says that there is nothing
// more.
Value loop_step(Emitter& e, const Value& iteration, const Value& position);
Value is_taken(Emitter& e, const Value& iteration, const Value& step);
Value taken_item(Emitter& e, const Value& iteration, const Value& step, const Value& position);

// ---- channels.cpp
bool is_channel(ir::TypeRef type);
ir::TypeRef channel_item(ir::TypeRef channel); // a number, or a C-contiguous array
Value channel_size(Emitter& e, const Value& channel);
std::optional<Value> channel_attribute(Emitter& e, const Value& channel, const std::string& name);
Value next_of_channel(Emitter& e, const Value& channel); // an optional: none at the end
Value taken_from_channel(Emitter& e, const Value& channel, const Value& next);

// ---- call.cpp
struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};
Value call(Emitter& e, const Value& function, const CallArgs& args);
// Of the function behind a handle. The result has type null where recursion leaves it open.
Value call_compiled(Emitter& e, Handle callable, const CallArgs& args);
// ufunc_calls.cpp
Value call_ufunc(Emitter& e, const Value& function, const CallArgs& args);
// named_tuples.cpp. None where the namedtuple has no such field.
std::optional<Value> named_tuple_field(Emitter& e, const Value& tuple, const std::string& name);
Value call_named_tuple_class(Emitter& e, const Value& cls, const CallArgs& args);

// A library function's rule; registered by its canonical name ("math.sqrt"), methods and attributes as "array.sum".
using Rule = Value (*)(Emitter& e, const CallArgs& args);
Rule find_rule(std::string_view name);

// Binds arguments to names ("a", "axis?", …; a question mark: may be left out). Values left out have type null.
std::vector<Value> bind(Emitter& e, std::string_view function, const CallArgs& args, std::initializer_list<std::string_view> names);
inline bool given(const Value& v) { return v.type != nullptr && v.type->kind != ir::Kind::kNone; }

// ---- host_values.cpp
Value from_host(Emitter& e, const HostValue& value);
Value literal_value(Emitter& e, const syntax::Literal& literal);
Value name_value(Emitter& e, const std::string& name);
// A literal from 2**63 on, which no Python int of 64 bits holds, as NumPy's uint64; none where the value is anything else.
std::optional<Value> as_unsigned(Emitter& e, const Value& v);

// ---- helpers of several rules
ir::TypeRef dtype_argument(Emitter& e, const Value& v);        // np.float64, "float32", a.dtype, float …
std::vector<Value> shape_argument(Emitter& e, const Value& v); // an int or a tuple of ints, as int64
std::vector<Value> items_of(Emitter& e, const Value& tuple);   // of a tuple or a list literal
Value as_array(Emitter& e, const Value& v);                    // arrays as they are; tuples and list literals of numbers as new arrays

} // namespace hasten::infer
