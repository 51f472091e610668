#include "hasten/compiler/ir/printer.h"

#include <charconv>
#include <cmath>

#include "hasten/compiler/ir/rules.h"

namespace hasten::ir {
namespace {

std::string number(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string literal(const Constant& constant) {
  switch (constant.type->kind) {
  case Kind::kBool:
    return constant.i != 0 ? "true" : "false";
  case Kind::kFloat:
    return number(constant.re);
  case Kind::kComplex:
    return "(" + number(constant.re) + ", " + number(constant.im) + ")";
  case Kind::kInt:
    return constant.type->is_signed ? std::to_string(constant.i) : std::to_string(static_cast<uint64_t>(constant.i));
  case Kind::kDatetime:
    return std::to_string(constant.i);
  default:
    return "{}";
  }
}

std::string types(const std::vector<TypeRef>& list) {
  std::string text;
  for (TypeRef type : list) {
    text += (text.empty() ? "" : ", ") + type->text;
  }
  return "(" + text + ")";
}

class Printer {
public:
  Printer(const Module& module, const Function& function) : module_(module), function_(function) {}

  std::string run() {
    header();
    for (BlockId block = 0; block < function_.blocks.size(); ++block) {
      block_head(block);
      for (ValueId value : function_.blocks[block].instrs) {
        instr(value);
      }
    }
    return std::move(text_);
  }

private:
  void header() {
    text_ = "func ";
    for (size_t i = 0; i < module_.functions.size(); ++i) {
      if (&module_.functions[i] == &function_) {
        text_ += "@" + std::to_string(i) + " ";
      }
    }
    text_ += function_.name + types(function_.params) + " -> " + (function_.result != nullptr ? function_.result->text : "?");
    text_ += function_.kernel ? " kernel" : "";
    text_ += function_.straight ? " straight" : "";
    text_ += function_.loop_body ? " loop_body" : "";
    constexpr const char* kNames[] = {" +", " *", " min", " max", " &", " |", " ^"};
    for (Reduction reduction : function_.reductions) {
      text_ += kNames[static_cast<size_t>(reduction)];
    }
    text_ += "\n";
  }

  void block_head(BlockId id) {
    text_ += "b" + std::to_string(id) + ":";
    const char* separator = " <- ";
    for (BlockId pred : function_.blocks[id].preds) {
      text_ += separator;
      text_ += "b" + std::to_string(pred);
      separator = ", ";
    }
    text_ += "\n";
  }

  void instr(ValueId id) {
    if (id >= function_.values.size()) {
      text_ += "  %" + std::to_string(id) + " is no value\n";
      return;
    }
    const Instr& instr = function_.values[id];
    text_ += "  ";
    if (has_value(instr.op)) {
      text_ += "%" + std::to_string(id) + " = ";
    }
    text_ += info(instr.op).text;
    separator_ = " ";
    named_aux(instr);
    operands(instr);
    if (has_value(instr.op)) {
      text_ += " : " + instr.type->text;
    }
    if (instr.location < module_.locations.size()) {
      const Location& location = module_.locations[instr.location];
      text_ += " !" + std::to_string(location.line) + ":" + std::to_string(location.column);
    }
    text_ += "\n";
  }

  void named_aux(const Instr& instr) {
    const auto index = static_cast<size_t>(instr.aux);
    switch (aux_of(instr.op)) {
    case Aux::kConstant:
      text_ += " " + (index < function_.constants.size() ? literal(function_.constants[index]) : "?");
      break;
    case Aux::kFunction:
      text_ += " @" + std::to_string(instr.aux);
      break;
    case Aux::kReduce:
      text_ += " @" + std::to_string(kernel_index(instr)) + ".";
      text_ += (instr.aux >> 32) < kReduceKinds ? reduce_name(instr.aux >> 32) : "?";
      break;
    case Aux::kSymbol:
      text_ += " \"" + (index < module_.symbols.size() ? module_.symbols[index].name : "?") + "\"";
      break;
    case Aux::kSite:
      text_ += " site " + std::to_string(instr.aux);
      break;
    case Aux::kIntrinsic:
      text_ += " ";
      text_ += index < kIntrinsicCount ? info(static_cast<Intrinsic>(instr.aux)).name : "?";
      break;
    default:
      break;
    }
  }

  void operands(const Instr& instr) {
    for (ValueId arg : instr.args) {
      item("%" + std::to_string(arg));
    }
    if (is_control(instr.op) && instr.block < function_.blocks.size()) {
      for (BlockId succ : function_.blocks[instr.block].succs) {
        item("b" + std::to_string(succ));
      }
    }
    if (aux_of(instr.op) == Aux::kNumber) {
      item(std::to_string(instr.aux));
    }
  }

  void item(const std::string& word) {
    text_ += separator_ + word;
    separator_ = ", ";
  }

  const Module& module_;
  const Function& function_;
  std::string text_;
  const char* separator_ = " ";
};

std::string site_text(size_t index, const RaiseSite& site) {
  return "site " + std::to_string(index) + (site.is_instance ? " = instance " : " = binding ") + std::to_string(site.exception) + " " +
         types(site.arguments) + "\n";
}

} // namespace

std::string print(const Module& module, const Function& function) { return Printer(module, function).run(); }

std::string print(const Module& module) {
  std::string text;
  for (size_t i = 0; i < module.bindings.size(); ++i) {
    text += "binding " + std::to_string(i) + " = " + module.bindings[i].path + " : " + module.bindings[i].type->text + "\n";
  }
  for (size_t i = 0; i < module.sites.size(); ++i) {
    text += site_text(i, module.sites[i]);
  }
  for (const Function& function : module.functions) {
    text += (text.empty() ? "" : "\n") + print(module, function);
  }
  return text;
}

} // namespace hasten::ir
