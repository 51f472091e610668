#include "hasten/compiler/ir/parser.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/rules.h"

namespace hasten::ir {
namespace {

// One line, read from left to right.
class Line {
public:
  explicit Line(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return text_.empty(); }
  std::string_view rest() const { return text_; }

  bool take(std::string_view word) {
    if (text_.substr(0, word.size()) != word) {
      return false;
    }
    text_.remove_prefix(word.size());
    skip_space();
    return true;
  }

  void expect(std::string_view word) {
    if (!take(word)) {
      base::internal_error("IR text: '" + std::string(word) + "' expected at '" + std::string(text_) + "'");
    }
  }

  // All up to one of the characters, which stays.
  std::string_view until(std::string_view stops) {
    const std::string_view head = text_.substr(0, text_.find_first_of(stops));
    text_.remove_prefix(head.size());
    skip_space();
    return head;
  }

  template <class Number> Number number() {
    Number value{};
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) {
      base::internal_error("IR text: a number expected at '" + std::string(text_) + "'");
    }
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    skip_space();
    return value;
  }

  // The longest prefix that spells a type, up to one of the words that may follow it.
  TypeRef type(std::initializer_list<std::string_view> ends) {
    for (size_t length = 0; length <= text_.size(); ++length) {
      const std::string_view behind = text_.substr(length);
      const bool may_end = behind.empty() || std::any_of(ends.begin(), ends.end(), [&](auto end) { return behind.starts_with(end); });
      TypeRef found = may_end ? parse_type(text_.substr(0, length)) : nullptr;
      if (found != nullptr) {
        text_ = behind;
        skip_space();
        return found;
      }
    }
    base::internal_error("IR text: a type expected at '" + std::string(text_) + "'");
  }

  std::vector<TypeRef> types() {
    std::vector<TypeRef> list;
    expect("(");
    while (!take(")")) {
      if (!list.empty()) {
        expect(",");
      }
      list.push_back(type({",", ")"}));
    }
    return list;
  }

private:
  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r"), text_.size())); }

  std::string_view text_;
};

Op op_named(std::string_view text) {
  static const auto* const kOps = [] {
    auto* table = new std::unordered_map<std::string_view, Op>;
    for (int i = 0; i <= static_cast<int>(Op::kUnreachable); ++i) {
      table->emplace(info(static_cast<Op>(i)).text, static_cast<Op>(i));
    }
    return table;
  }();
  const auto found = kOps->find(text);
  if (found == kOps->end()) {
    base::internal_error("IR text: no op '" + std::string(text) + "'");
  }
  return found->second;
}

Constant literal(Line& line) {
  Constant constant;
  if (line.take("true")) {
    constant.i = 1;
  } else if (line.take("false") || line.take("{}")) {
    constant.i = 0;
  } else if (line.take("(")) {
    constant.re = line.number<double>();
    line.expect(",");
    constant.im = line.number<double>();
    line.expect(")");
  } else {
    // Which reading counts is up to the type, which stands behind.
    Line copy = line;
    constant.re = line.number<double>();
    const std::string_view word = copy.until(" ");
    if (std::from_chars(word.data(), word.data() + word.size(), constant.i).ec == std::errc::result_out_of_range) {
      uint64_t bits = 0;
      std::from_chars(word.data(), word.data() + word.size(), bits);
      constant.i = static_cast<int64_t>(bits);
    }
  }
  return constant;
}

class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  Module run() {
    for (std::string_view rest = text_; !rest.empty();) {
      const size_t length = std::min(rest.find('\n'), rest.size());
      Line line(rest.substr(0, length));
      rest.remove_prefix(std::min(length + 1, rest.size()));
      if (!line.at_end()) {
        one(line);
      }
    }
    finish_function();
    return std::move(module_);
  }

private:
  void one(Line line) {
    const std::string_view whole = line.rest();
    if (line.take("func ")) {
      finish_function();
      function_header(line);
    } else if (line.take("binding ")) {
      line.number<int>();
      line.expect("=");
      const std::string_view path = line.until(" ");
      line.expect(":");
      module_.bindings.push_back({std::string(path), line.type({}), 0});
    } else if (line.take("site ")) {
      line.number<int>();
      line.expect("=");
      const bool is_instance = line.take("instance");
      is_instance || line.take("binding");
      const auto exception = line.number<int32_t>();
      module_.sites.push_back({exception, line.types(), is_instance});
    } else if (module_.functions.empty()) {
      base::internal_error("IR text: 'func' expected at '" + std::string(whole) + "'");
    } else if (whole[0] == 'b' && whole.find(':') != std::string_view::npos && whole.find(' ') > whole.find(':')) {
      block_head(line);
    } else {
      instr(line);
    }
    if (!line.at_end()) {
      base::internal_error("IR text: '" + std::string(line.rest()) + "' is left over in '" + std::string(whole) + "'");
    }
  }

  Function& function() { return module_.functions.back(); }

  void function_header(Line& line) {
    Function& f = module_.functions.emplace_back();
    if (line.take("@")) {
      line.number<size_t>();
    }
    f.name = line.until("(");
    f.params = line.types();
    line.expect("->");
    f.result = line.type({" "});
    f.kernel = line.take("kernel");
    f.straight = line.take("straight");
    f.loop_body = line.take("loop_body");
    constexpr std::string_view kNames[] = {"+", "*", "min", "max", "&", "|", "^"};
    while (!line.at_end()) {
      const std::string_view word = line.until(" ");
      const auto found = std::find(std::begin(kNames), std::end(kNames), word);
      if (found == std::end(kNames)) {
        base::internal_error("IR text: no reduction '" + std::string(word) + "'");
      }
      f.reductions.push_back(static_cast<Reduction>(found - std::begin(kNames)));
    }
  }

  void block_head(Line& line) {
    block_ = block_id(line);
    line.expect(":");
    if (line.take("<-")) {
      do {
        const BlockId pred = block_id(line);
        function().blocks[block_].preds.push_back(pred);
      } while (line.take(","));
    }
  }

  BlockId block_id(Line& line) {
    line.expect("b");
    const auto id = line.number<BlockId>();
    if (function().blocks.size() <= id) {
      function().blocks.resize(id + 1);
    }
    return id;
  }

  void instr(Line& line) {
    Instr instr{.op = Op::kUnreachable, .type = none_type(), .args = {}};
    ValueId id = kNone;
    if (line.take("%")) {
      id = line.number<ValueId>();
      line.expect("=");
    }
    instr.op = op_named(line.until(" "));
    instr.block = block_;
    Constant constant;
    if (aux_of(instr.op) == Aux::kConstant) {
      constant = literal(line);
    }
    while (operand(line, instr)) {
    }
    if (line.take(":")) {
      instr.type = line.type({" "});
    }
    if (line.take("!")) {
      location(line, instr);
    }
    if (aux_of(instr.op) == Aux::kConstant) {
      instr.aux = constant_index(constant, instr.type);
    }
    if (has_value(instr.op) != (id != kNone)) {
      base::internal_error("IR text: " + std::string(info(instr.op).text) + (id != kNone ? " has no value" : " has a value"));
    }
    place(std::move(instr), id);
  }

  // One operand of any sort, or the comma before it. False where something else stands there.
  bool operand(Line& line, Instr& instr) {
    if (line.at_end() || line.rest()[0] == ':' || line.rest()[0] == '!') {
      return false;
    }
    if (line.take(",")) {
      return true;
    }
    if (line.take("%")) {
      instr.args.push_back(line.number<ValueId>());
    } else if (line.take("@")) {
      instr.aux = line.number<int64_t>();
      if (line.take(".")) {
        const std::string_view name = line.until(" ,:");
        for (int64_t kind = 0; kind < kReduceKinds; ++kind) {
          instr.aux |= reduce_name(kind) == name ? kind << 32 : 0;
        }
      }
    } else if (line.take("site ")) {
      instr.aux = line.number<int64_t>();
    } else if (line.take("\"")) {
      instr.aux = symbol(line.until("\""), instr.op == Op::kRuntime);
      line.expect("\"");
    } else if (aux_of(instr.op) == Aux::kIntrinsic) {
      const std::string_view name = line.until(" ,:");
      for (int i = 0; i < kIntrinsicCount; ++i) {
        instr.aux = info(static_cast<Intrinsic>(i)).name == name ? i : instr.aux;
      }
    } else if (line.rest()[0] == 'b') {
      const BlockId succ = block_id(line);
      function().blocks[block_].succs.push_back(succ);
    } else {
      instr.aux = line.number<int64_t>();
    }
    return true;
  }

  int64_t symbol(std::string_view name, bool status) {
    for (size_t i = 0; i < module_.symbols.size(); ++i) {
      if (module_.symbols[i].name == name) {
        return static_cast<int64_t>(i);
      }
    }
    module_.symbols.push_back({std::string(name), status});
    return static_cast<int64_t>(module_.symbols.size()) - 1;
  }

  int64_t constant_index(Constant constant, TypeRef type) {
    constant.type = type;
    if (is_float(type) || is_complex(type)) {
      constant.i = 0;
    } else {
      constant.re = 0;
    }
    function().constants.push_back(constant);
    return static_cast<int64_t>(function().constants.size()) - 1;
  }

  void location(Line& line, Instr& instr) {
    const int at = line.number<int>();
    line.expect(":");
    const int column = line.number<int>();
    const auto same = [&](const Location& l) { return l.line == at && l.column == column; };
    const auto found = std::find_if(module_.locations.begin(), module_.locations.end(), same);
    instr.location = static_cast<uint32_t>(found - module_.locations.begin());
    if (found == module_.locations.end()) {
      module_.locations.push_back({0, at, column});
    }
  }

  // Values without a name get theirs when all names of the function are known.
  void place(Instr instr, ValueId id) {
    Function& f = function();
    if (f.blocks.size() <= block_) {
      f.blocks.resize(block_ + 1);
    }
    if (id == kNone) {
      unnamed_.push_back({block_, f.blocks[block_].instrs.size(), std::move(instr)});
      f.blocks[block_].instrs.push_back(kNone);
      return;
    }
    reserve(id);
    f.values[id] = std::move(instr);
    f.blocks[block_].instrs.push_back(id);
  }

  void reserve(ValueId id) {
    while (function().values.size() <= id) {
      function().values.push_back({.op = Op::kUndef, .type = none_type(), .args = {}});
    }
  }

  void finish_function() {
    if (module_.functions.empty()) {
      return;
    }
    Function& f = function();
    for (auto& [block, position, instr] : unnamed_) {
      f.blocks[block].instrs[position] = static_cast<ValueId>(f.values.size());
      f.values.push_back(std::move(instr));
    }
    unnamed_.clear();
    std::vector<bool> listed;
    for (const Block& block : f.blocks) {
      listed.push_back(!block.preds.empty());
    }
    for (BlockId block = 0; block < f.blocks.size(); ++block) {
      for (BlockId succ : f.blocks[block].succs) {
        if (!listed[succ]) {
          f.blocks[succ].preds.push_back(block);
        }
      }
    }
    block_ = 0;
  }

  struct Unnamed {
    BlockId block;
    size_t position;
    Instr instr;
  };

  std::string_view text_;
  Module module_;
  BlockId block_ = 0;
  std::vector<Unnamed> unnamed_;
};

} // namespace

Module parse(std::string_view text) { return Parser(text).run(); }

} // namespace hasten::ir
