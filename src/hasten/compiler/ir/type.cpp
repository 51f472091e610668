#include "hasten/compiler/ir/type.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace hasten::ir {
namespace {

// The one table of types. Leaked on purpose: types outlive every static object that may refer to them.
struct Interner {
  std::mutex mutex;
  std::deque<Type> types;
  std::unordered_map<std::string, TypeRef> by_text;
};

Interner& interner() {
  static auto* const table = new Interner;
  return *table;
}

TypeRef intern(Type type) {
  Interner& table = interner();
  const std::lock_guard lock(table.mutex);
  const auto found = table.by_text.find(type.text);
  if (found != table.by_text.end()) {
    return found->second;
  }
  table.types.push_back(std::move(type));
  TypeRef stored = &table.types.back();
  table.by_text.emplace(stored->text, stored);
  return stored;
}

TypeRef simple(Kind kind, const char* text) {
  Type type{.kind = kind};
  type.text = text;
  type.counted = kind == Kind::kString;
  return intern(std::move(type));
}

std::string join(const std::vector<TypeRef>& items) {
  std::string text;
  for (TypeRef item : items) {
    text += text.empty() ? "" : ", ";
    text += item->text;
  }
  return text;
}

bool any_counted(const std::vector<TypeRef>& items) {
  return std::any_of(items.begin(), items.end(), [](TypeRef t) { return t->counted; });
}

TypeRef aggregate(Kind kind, const std::string& head, std::vector<TypeRef> items, std::string name = {}) {
  Type type{.kind = kind};
  type.text = head + "(" + join(items) + ")";
  type.counted = any_counted(items);
  type.items = std::move(items);
  type.name = std::move(name);
  return intern(std::move(type));
}

const char* weak_name(array::DType dtype) {
  switch (dtype) {
  case array::DType::kBool:
    return "pybool";
  case array::DType::kInt64:
    return "pyint";
  case array::DType::kFloat64:
    return "pyfloat";
  default:
    return "pycomplex";
  }
}

const char* layout_text(Layout layout) {
  switch (layout) {
  case Layout::kC:
    return "C";
  case Layout::kF:
    return "F";
  default:
    return "A";
  }
}

// Names with characters that the spelling of types uses are quoted by length: "literal:<5>a(b,c".
std::string quoted(std::string_view name) { return std::to_string(name.size()) + ":" + std::string(name); }

Kind scalar_kind(array::DType dtype) {
  switch (array::kind_of(dtype)) {
  case array::DTypeKind::kBool:
    return Kind::kBool;
  case array::DTypeKind::kSigned:
  case array::DTypeKind::kUnsigned:
    return Kind::kInt;
  case array::DTypeKind::kFloat:
    return Kind::kFloat;
  case array::DTypeKind::kComplex:
    return Kind::kComplex;
  default:
    return Kind::kDatetime;
  }
}

} // namespace

TypeRef scalar_type(array::DType dtype, bool weak) {
  if (scalar_kind(dtype) == Kind::kDatetime) {
    return datetime_type(dtype, "generic");
  }
  Type type{.kind = scalar_kind(dtype)};
  type.weak = weak;
  type.dtype = dtype;
  type.bits = static_cast<uint8_t>(type.kind == Kind::kBool ? 1 : 8 * array::item_bytes(dtype));
  type.is_signed = array::kind_of(dtype) == array::DTypeKind::kSigned;
  type.text = weak ? weak_name(dtype) : std::string(array::name_of(dtype));
  return intern(std::move(type));
}

TypeRef datetime_type(array::DType dtype, std::string_view unit) {
  Type type{.kind = Kind::kDatetime};
  type.dtype = dtype;
  type.bits = 64;
  type.name = unit;
  type.text = std::string(array::name_of(dtype)) + "[" + type.name + "]";
  return intern(std::move(type));
}

TypeRef bool_type(bool weak) {
  static TypeRef const kTypes[] = {scalar_type(array::DType::kBool), scalar_type(array::DType::kBool, true)};
  return kTypes[weak ? 1 : 0];
}

TypeRef int_type() {
  static TypeRef const kType = scalar_type(array::DType::kInt64, true);
  return kType;
}

TypeRef float_type() {
  static TypeRef const kType = scalar_type(array::DType::kFloat64, true);
  return kType;
}

TypeRef complex_type() {
  static TypeRef const kType = scalar_type(array::DType::kComplex128, true);
  return kType;
}

TypeRef intp_type() {
  static TypeRef const kType = scalar_type(array::DType::kInt64);
  return kType;
}

TypeRef none_type() {
  static TypeRef const kType = simple(Kind::kNone, "none");
  return kType;
}

TypeRef undefined_type() {
  static TypeRef const kType = simple(Kind::kUndefined, "undefined");
  return kType;
}

TypeRef object_type() {
  static TypeRef const kType = simple(Kind::kObject, "object");
  return kType;
}

TypeRef string_type() {
  static TypeRef const kType = simple(Kind::kString, "str");
  return kType;
}

TypeRef ellipsis_type() {
  static TypeRef const kType = simple(Kind::kEllipsis, "ellipsis");
  return kType;
}

TypeRef range_type(bool weak) {
  Type type{.kind = Kind::kRange};
  type.weak = weak;
  type.elem = weak ? int_type() : intp_type();
  type.text = weak ? "pyrange" : "range";
  return intern(std::move(type));
}

TypeRef tuple_type(std::vector<TypeRef> items, std::string_view name) {
  const std::string head = name.empty() ? "tuple" : "tuple." + quoted(name);
  return aggregate(Kind::kTuple, head, std::move(items), std::string(name));
}

TypeRef array_type(TypeRef elem, int ndim, Layout layout, bool readonly) {
  Type type{.kind = Kind::kArray};
  type.elem = strong(elem);
  type.ndim = static_cast<uint8_t>(ndim);
  type.layout = ndim <= 1 && layout == Layout::kF ? Layout::kC : layout;
  type.readonly = readonly;
  type.dtype = elem->dtype;
  type.counted = true;
  type.text =
      "array(" + type.elem->text + ", " + std::to_string(ndim) + "d, " + layout_text(type.layout) + (readonly ? ", readonly)" : ")");
  return intern(std::move(type));
}

TypeRef optional_type(TypeRef elem) {
  if (elem->kind == Kind::kOptional || elem->kind == Kind::kNone) {
    return elem;
  }
  Type type{.kind = Kind::kOptional};
  type.elem = elem;
  type.counted = elem->counted;
  type.text = "optional(" + elem->text + ")";
  return intern(std::move(type));
}

TypeRef union_type(const std::vector<TypeRef>& members) {
  Type type{.kind = Kind::kUnion};
  type.items = {int_type()};
  type.items.insert(type.items.end(), members.begin(), members.end());
  type.text = "union(";
  for (size_t i = 0; i < members.size(); ++i) {
    type.text += (i ? ", " : "") + members[i]->text;
  }
  type.text += ")";
  return intern(std::move(type));
}

TypeRef slice_type(TypeRef start, TypeRef stop, TypeRef step) { return aggregate(Kind::kSlice, "slice", {start, stop, step}); }

TypeRef named_type(std::string_view name) {
  Type type{.kind = Kind::kNamed};
  type.name = name;
  type.text = "named(" + quoted(name) + ")";
  return intern(std::move(type));
}

TypeRef sequence_type(std::string_view what, std::vector<TypeRef> items) {
  return aggregate(Kind::kSequence, "sequence." + std::string(what), std::move(items), std::string(what));
}

TypeRef format_type(std::string_view text_template, std::vector<TypeRef> items) {
  return aggregate(Kind::kFormat, "format." + quoted(text_template), std::move(items), std::string(text_template));
}

TypeRef strong(TypeRef scalar) { return scalar->weak ? scalar_type(scalar->dtype) : scalar; }

int item_bytes(TypeRef scalar) { return array::item_bytes(scalar->dtype); }

int slot_count(TypeRef type) {
  switch (type->kind) {
  case Kind::kBool:
  case Kind::kInt:
  case Kind::kFloat:
  case Kind::kDatetime:
    return 1;
  case Kind::kComplex:
    return 2;
  case Kind::kRange:
    return 3;
  case Kind::kArray:
    return 2 + 2 * type->ndim;
  case Kind::kOptional:
    return 1 + slot_count(type->elem);
  case Kind::kTuple:
  case Kind::kSlice:
  case Kind::kSequence:
  case Kind::kFormat:
  case Kind::kUnion: {
    int count = 0;
    for (TypeRef item : type->items) {
      count += slot_count(item);
    }
    return count;
  }
  default:
    return 0;
  }
}

std::string display(TypeRef type) {
  switch (type->kind) {
  case Kind::kBool:
  case Kind::kInt:
  case Kind::kFloat:
  case Kind::kComplex:
    return type->weak ? type->text.substr(2) : type->text;
  case Kind::kNone:
    return "None";
  case Kind::kRange:
    return "range";
  case Kind::kTuple: {
    const size_t colon = type->name.find(':');
    std::string text = type->name.empty() ? "tuple(" : type->name.substr(colon + 1, type->name.find('(') - colon);
    for (size_t i = 0; i < type->items.size(); ++i) {
      text += (i ? ", " : "") + display(type->items[i]);
    }
    return text + ")";
  }
  case Kind::kUnion: {
    std::string text;
    for (size_t i = 1; i < type->items.size(); ++i) {
      text += (i > 1 ? " | " : "") + display(type->items[i]);
    }
    return text;
  }
  case Kind::kOptional:
    return "optional(" + display(type->elem) + ")";
  case Kind::kSequence:
    return type->name == "channel" ? "channel of " + type->items[1]->name.substr(sizeof("channel:") - 1) : type->name;
  case Kind::kNamed: {
    const size_t colon = type->name.find(':');
    const std::string what = type->name.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : type->name.substr(colon + 1);
    if (what == "literal" || what == "bigint") {
      return what == "literal" ? "str" : "int beyond 64 bits";
    }
    if (what == "descriptor") {
      return "dtype " + rest;
    }
    if (what == "namedtuple") {
      const size_t start = rest.find(':') + 1;
      return "class " + rest.substr(start, rest.find('(') - start);
    }
    return what == "callable" || what == "host" || what == "exception" || what == "ufunc" ? what : what + " " + rest;
  }
  default:
    return type->text;
  }
}

namespace {

// Recursive descent over Type::text.
class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  TypeRef whole() {
    TypeRef type = one();
    return type != nullptr && position_ == text_.size() ? type : nullptr;
  }

private:
  bool take(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) {
      return false;
    }
    position_ += word.size();
    return true;
  }

  // The text behind a "length:" prefix.
  bool take_quoted(std::string* out) {
    size_t length = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9' && length < text_.size()) {
      length = 10 * length + static_cast<size_t>(text_[position_++] - '0');
    }
    if (!take(":") || length > text_.size() - position_) {
      return false;
    }
    *out = text_.substr(position_, length);
    position_ += length;
    return true;
  }

  bool items(std::vector<TypeRef>* out) {
    if (!take("(")) {
      return false;
    }
    while (!take(")")) {
      if (!out->empty() && !take(", ")) {
        return false;
      }
      TypeRef item = one();
      if (item == nullptr) {
        return false;
      }
      out->push_back(item);
    }
    return true;
  }

  TypeRef one() {
    if (++depth_ > 200) {
      return nullptr;
    }
    TypeRef type = compound();
    --depth_;
    return type;
  }

  TypeRef compound() {
    std::vector<TypeRef> parts;
    std::string name;
    if (take("array(")) {
      return array();
    }
    if (take("named(")) {
      return take_quoted(&name) && take(")") ? named_type(name) : nullptr;
    }
    if (take("tuple")) {
      if (take(".") && !take_quoted(&name)) {
        return nullptr;
      }
      return items(&parts) ? tuple_type(std::move(parts), name) : nullptr;
    }
    if (take("slice")) {
      return items(&parts) && parts.size() == 3 ? slice_type(parts[0], parts[1], parts[2]) : nullptr;
    }
    if (take("optional")) {
      return items(&parts) && parts.size() == 1 ? optional_type(parts[0]) : nullptr;
    }
    if (take("union")) {
      return items(&parts) && parts.size() > 1 && std::all_of(parts.begin(), parts.end(), is_number) ? union_type(parts) : nullptr;
    }
    if (take("format.")) {
      return take_quoted(&name) && items(&parts) ? format_type(name, std::move(parts)) : nullptr;
    }
    if (take("sequence.")) {
      const size_t open = text_.find('(', position_);
      if (open == std::string_view::npos) {
        return nullptr;
      }
      name = text_.substr(position_, open - position_);
      position_ = open;
      return items(&parts) ? sequence_type(name, std::move(parts)) : nullptr;
    }
    return word();
  }

  TypeRef array() {
    TypeRef elem = one();
    if (elem == nullptr || !take(", ")) {
      return nullptr;
    }
    int ndim = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9' && ndim < 100) {
      ndim = 10 * ndim + (text_[position_++] - '0');
    }
    if (!take("d, ")) {
      return nullptr;
    }
    Layout layout = Layout::kAny;
    if (take("C")) {
      layout = Layout::kC;
    } else if (take("F")) {
      layout = Layout::kF;
    } else if (!take("A")) {
      return nullptr;
    }
    const bool readonly = take(", readonly");
    return take(")") ? array_type(elem, ndim, layout, readonly) : nullptr;
  }

  // "[unit]", or nothing
  TypeRef datetime(array::DType dtype) {
    if (!take("[")) {
      return scalar_type(dtype);
    }
    const size_t close = text_.find(']', position_);
    if (close == std::string_view::npos) {
      return nullptr;
    }
    const std::string_view unit = text_.substr(position_, close - position_);
    position_ = close + 1;
    return datetime_type(dtype, unit);
  }

  TypeRef word() {
    size_t end = position_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0)) {
      ++end;
    }
    const std::string_view name = text_.substr(position_, end - position_);
    position_ = end;
    array::DType dtype{};
    if (array::dtype_from_name(name, &dtype)) {
      return scalar_kind(dtype) == Kind::kDatetime ? datetime(dtype) : scalar_type(dtype);
    }
    static const std::unordered_map<std::string_view, TypeRef> kWords{
        {"pybool", bool_type()},       {"pyint", int_type()},           {"pyfloat", float_type()},   {"pycomplex", complex_type()},
        {"none", none_type()},         {"undefined", undefined_type()}, {"object", object_type()},   {"str", string_type()},
        {"ellipsis", ellipsis_type()}, {"pyrange", range_type(true)},   {"range", range_type(false)}};
    const auto found = kWords.find(name);
    return found == kWords.end() ? nullptr : found->second;
  }

  std::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
};

} // namespace

TypeRef parse_type(std::string_view text) { return Parser(text).whole(); }

} // namespace hasten::ir
