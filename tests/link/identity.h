// `def identity(x): return x` of a Python int, in typed IR and as syntax: what the compiler's layers are tried with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hasten/compiler/infer/host.h"
#include "hasten/compiler/ir/builder.h"

namespace hasten {

inline ir::Module identity_module() {
  ir::Module module;
  ir::Function& function = module.functions.emplace_back();
  function.name = "identity";
  function.params = {ir::int_type()};
  function.result = ir::int_type();
  ir::Builder builder(module, function);
  builder.set_block(builder.new_block());
  builder.ret(builder.param(0));
  return module;
}

// Knows this one function, by handle 1.
class IdentityHost : public infer::Host {
public:
  std::optional<infer::HostValue> lookup(infer::Handle, const std::string&) override { return std::nullopt; }
  std::optional<infer::HostValue> attribute(const infer::HostValue&, const std::string&) override { return std::nullopt; }
  ir::TypeRef parse_signature_type(const std::string& text) override { return ir::parse_type(text); }

  std::shared_ptr<const infer::HostFunction> function(infer::Handle callable) override {
    auto source = std::make_shared<syntax::Source>();
    source->file = "identity.py";
    source->qualified_name = source->function.name = "identity";
    source->lines = {"def identity(x): return x"};
    source->function.span = {1, 0, 1, 25};
    syntax::Parameter parameter;
    parameter.name = "x";
    source->function.parameters.push_back(std::move(parameter));
    auto name = std::make_unique<syntax::Expr>();
    name->kind = syntax::ExprKind::kName;
    name->name = "x";
    name->span = {1, 24, 1, 25};
    auto statement = std::make_unique<syntax::Stmt>();
    statement->kind = syntax::StmtKind::kReturn;
    statement->span = {1, 17, 1, 25};
    statement->value = std::move(name);
    source->function.body.push_back(std::move(statement));

    auto result = std::make_shared<infer::HostFunction>();
    result->source = std::move(source);
    result->parameters = {{"x", syntax::ParameterKind::kPositionalOrKeyword, std::nullopt}};
    result->handle = callable;
    return result;
  }
};

} // namespace hasten
