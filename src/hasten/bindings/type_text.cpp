#include "hasten/bindings/type_text.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <unordered_map>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/named_tuples.h"

namespace hasten::bindings {
namespace {

using array::DType;

// numba's and NumPy's names of types, C's among them.
ir::TypeRef named_scalar(std::string_view name) {
  static const std::unordered_map<std::string_view, DType> kAliases{
      {"boolean", DType::kBool},     {"bool_", DType::kBool},     {"b1", DType::kBool},           {"i1", DType::kInt8},
      {"i2", DType::kInt16},         {"i4", DType::kInt32},       {"i8", DType::kInt64},          {"u1", DType::kUInt8},
      {"u2", DType::kUInt16},        {"u4", DType::kUInt32},      {"u8", DType::kUInt64},         {"f2", DType::kFloat16},
      {"f4", DType::kFloat32},       {"f8", DType::kFloat64},     {"c8", DType::kComplex64},      {"c16", DType::kComplex128},
      {"char", DType::kInt8},        {"uchar", DType::kUInt8},    {"byte", DType::kUInt8},        {"short", DType::kInt16},
      {"ushort", DType::kUInt16},    {"intc", DType::kInt32},     {"uintc", DType::kUInt32},      {"int_", DType::kInt64},
      {"int", DType::kInt64},        {"uint", DType::kUInt64},    {"intp", DType::kInt64},        {"uintp", DType::kUInt64},
      {"long_", DType::kInt64},      {"long", DType::kInt64},     {"ulong", DType::kUInt64},      {"longlong", DType::kInt64},
      {"ulonglong", DType::kUInt64}, {"ssize_t", DType::kInt64},  {"size_t", DType::kUInt64},     {"float_", DType::kFloat32},
      {"float", DType::kFloat64},    {"double", DType::kFloat64}, {"complex", DType::kComplex128}};
  const auto found = kAliases.find(name);
  DType dtype{};
  if (found != kAliases.end()) {
    return ir::scalar_type(found->second);
  }
  return array::dtype_from_name(name, &dtype) ? ir::scalar_type(dtype) : nullptr;
}

ir::TypeRef named_type(std::string_view name) {
  if (name == "none" || name == "void") {
    return ir::none_type();
  }
  if (name == "unicode_type" || name == "str" || name == "string") {
    return ir::string_type();
  }
  if (name == "ellipsis") {
    return ir::ellipsis_type();
  }
  if (name == "pyobject") {
    return ir::object_type();
  }
  if (name == "range_state" || name == "range") {
    return ir::range_type(false);
  }
  return named_scalar(name);
}

bool is_item(ir::TypeRef type) { return ir::is_number(type) || type->kind == ir::Kind::kDatetime; }

// Recursive descent. Every function leaves position_ behind what it read, or returns null.
class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  ir::TypeRef whole_type() {
    ir::TypeRef type = this->type();
    return type != nullptr && at_end() ? type : nullptr;
  }

  bool signature(Signature* out) {
    if (!peek('(')) {
      ir::TypeRef first = type();
      if (first == nullptr) {
        return false;
      }
      if (!peek('(')) {
        out->arguments.push_back(first);
        return rest_of_types(&out->arguments) && at_end();
      }
      out->result = first;
    }
    return take('(') && types(')', &out->arguments) && at_end();
  }

private:
  void skip_spaces() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])) != 0) {
      ++position_;
    }
  }
  bool peek(char c) {
    skip_spaces();
    return position_ < text_.size() && text_[position_] == c;
  }
  bool take(char c) {
    const bool is_there = peek(c);
    position_ += is_there ? 1 : 0;
    return is_there;
  }
  bool at_end() {
    skip_spaces();
    return position_ == text_.size();
  }

  std::string_view word() {
    skip_spaces();
    const size_t start = position_;
    while (position_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[position_])) != 0 || text_[position_] == '_')) {
      ++position_;
    }
    return text_.substr(start, position_ - start);
  }

  // Small numbers only: ranks and lengths.
  std::optional<int> number() {
    const std::string_view digits = word();
    int value = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9' || value > 1000) {
        return std::nullopt;
      }
      value = 10 * value + (c - '0');
    }
    return digits.empty() ? std::nullopt : std::optional(value);
  }

  // Types up to the closing bracket, which is read too; a comma may stand before it.
  bool types(char close, std::vector<ir::TypeRef>* out) {
    while (!take(close)) {
      ir::TypeRef item = type();
      if (item == nullptr) {
        return false;
      }
      out->push_back(item);
      if (!take(',') && !peek(close)) {
        return false;
      }
    }
    return true;
  }

  bool rest_of_types(std::vector<ir::TypeRef>* out) {
    while (take(',')) {
      ir::TypeRef item = type();
      if (item == nullptr) {
        return false;
      }
      out->push_back(item);
    }
    return true;
  }

  ir::TypeRef type() {
    constexpr int kMaxDepth = 50;
    if (++depth_ > kMaxDepth) {
      return nullptr;
    }
    const size_t start = position_;
    std::string_view name = word();
    if (name == "types" || name == "nb" || name == "numba") { // types.int64
      while ((name == "types" || name == "nb" || name == "numba") && take('.')) {
        name = word();
      }
    }
    const bool readonly = (name == "readonly" || name == "Readonly") && !at_end();
    if (readonly) {
      name = word();
    }
    ir::TypeRef found = compound(name, readonly);
    if (found == nullptr) {
      position_ = start;
    }
    while (found != nullptr && peek('[')) {
      found = array_of(found);
    }
    --depth_;
    return found;
  }

  ir::TypeRef compound(std::string_view name, bool readonly) {
    std::vector<ir::TypeRef> items;
    if (name == "Tuple" || name == "Tuple_") {
      return take('(') && take('(') && types(')', &items) && take(')') ? ir::tuple_type(std::move(items)) : nullptr;
    }
    if (name == "namedtuple") {
      return named_tuple();
    }
    if (name == "UniTuple") {
      return repeated_tuple();
    }
    if (name == "optional" || name == "Optional") {
      ir::TypeRef item = take('(') ? type() : nullptr;
      return item != nullptr && take(')') ? ir::optional_type(item) : nullptr;
    }
    if (name == "array" || name == "Array") {
      return array_in_words(readonly);
    }
    if (name == "NPDatetime" || name == "NPTimedelta") {
      return datetime(name == "NPDatetime" ? DType::kDatetime64 : DType::kTimedelta64);
    }
    DType dtype{};
    if (peek('[') && array::dtype_from_name(name, &dtype) && (dtype == DType::kDatetime64 || dtype == DType::kTimedelta64)) {
      return bracketed_datetime(dtype);
    }
    return readonly ? nullptr : named_type(name);
  }

  // "(<handle>, float64, int64)"
  ir::TypeRef named_tuple() {
    const WithGil gil;
    std::vector<ir::TypeRef> items;
    const std::string digits(take('(') ? word() : std::string_view());
    PyObject* cls = PythonHost::instance().object_of(std::strtoull(digits.c_str(), nullptr, 10));
    const bool known = cls != nullptr && is_named_tuple_class(cls) && (take(',') || peek(')')) && types(')', &items);
    return known ? ir::tuple_type(std::move(items), name_of_named_tuple_class(cls)) : nullptr;
  }

  ir::TypeRef repeated_tuple() {
    ir::TypeRef item = take('(') ? type() : nullptr;
    if (item == nullptr || !take(',')) {
      return nullptr;
    }
    const std::optional<int> count = number();
    return count && take(')') ? ir::tuple_type(std::vector<ir::TypeRef>(static_cast<size_t>(*count), item)) : nullptr;
  }

  // "(float64, 2d, C)" as types are displayed, "(float64, 2, 'C')" as they are made; "readonly" or "nonaligned" may follow.
  ir::TypeRef array_in_words(bool readonly) {
    ir::TypeRef item = take('(') ? type() : nullptr;
    if (item == nullptr || !take(',')) {
      return nullptr;
    }
    const std::string_view rank = word();
    if (rank.empty() || rank.size() > 3 || rank.find_first_not_of("0123456789d") != std::string_view::npos || !take(',')) {
      return nullptr;
    }
    const bool quoted = take('\'') || take('"');
    const std::string_view letter = word();
    if (quoted && !take('\'') && !take('"')) {
      return nullptr;
    }
    if (take(',')) {
      const std::string_view flag = word(); // Array's own fourth argument is `readonly`
      if (flag != "readonly" && flag != "True" && flag != "False") {
        return nullptr;
      }
      readonly = readonly || flag != "False";
    }
    int ndim = 0;
    std::from_chars(rank.data(), rank.data() + rank.size(), ndim);
    if (letter.size() != 1 || std::string_view("CFA").find(letter[0]) == std::string_view::npos || !take(')') || !is_item(item)) {
      return nullptr;
    }
    return ir::array_type(item, ndim, letter == "C" ? ir::Layout::kC : letter == "F" ? ir::Layout::kF : ir::Layout::kAny, readonly);
  }

  ir::TypeRef datetime(DType dtype) {
    if (!take('(') || !(take('\'') || take('"'))) {
      return nullptr;
    }
    const std::string_view unit = word();
    return (take('\'') || take('"')) && take(')') ? ir::datetime_type(dtype, unit.empty() ? "generic" : unit) : nullptr;
  }

  // "datetime64[ns]"; "datetime64[:]" is an array.
  ir::TypeRef bracketed_datetime(DType dtype) {
    const size_t start = position_;
    take('[');
    const std::string_view unit = word();
    if (!unit.empty() && take(']')) {
      return ir::datetime_type(dtype, unit);
    }
    position_ = start;
    return ir::scalar_type(dtype);
  }

  // "[:]", "[:, ::1]", "[::1, :]"
  ir::TypeRef array_of(ir::TypeRef item) {
    take('[');
    int ndim = 0;
    int dense = 0;
    bool first_is_dense = false;
    bool last_is_dense = false;
    do {
      if (!take(':')) {
        return nullptr;
      }
      last_is_dense = take(':');
      if (last_is_dense && number() != 1) {
        return nullptr;
      }
      first_is_dense = ndim == 0 ? last_is_dense : first_is_dense;
      dense += last_is_dense ? 1 : 0;
      ++ndim;
    } while (take(','));
    const bool is_known = dense == 0 || (dense == 1 && (first_is_dense || last_is_dense));
    if (!take(']') || !is_known || !is_item(item)) {
      return nullptr;
    }
    return ir::array_type(item, ndim, last_is_dense ? ir::Layout::kC : first_is_dense ? ir::Layout::kF : ir::Layout::kAny);
  }

  std::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
};

std::string spellings_of(const std::vector<ir::TypeRef>& types) {
  std::string text;
  for (ir::TypeRef type : types) {
    text += (text.empty() ? "" : ", ") + spelling_of(type);
  }
  return text;
}

} // namespace

std::string spelling_of(ir::TypeRef type) {
  if (ir::is_tuple(type)) {
    const std::string items = spellings_of(type->items);
    if (type->name.empty()) {
      return "tuple(" + items + ")";
    }
    return "namedtuple(" + type->name.substr(0, type->name.find(':')) + (items.empty() ? "" : ", ") + items + ")";
  }
  return type->kind == ir::Kind::kOptional ? "optional(" + spelling_of(type->elem) + ")" : ir::display(type);
}

ir::TypeRef parse_type_text(std::string_view text) { return Parser(text).whole_type(); }

Signature parse_signature_text(std::string_view text) {
  Signature signature;
  if (!Parser(text).signature(&signature)) {
    throw base::Diagnostic(base::Fault::kUser, "\"" + std::string(text) + "\" is no signature",
                           "Write it as \"float64(int64, float64[:])\": the result, then the arguments in brackets.");
  }
  return signature;
}

} // namespace hasten::bindings
