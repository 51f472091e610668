// Namedtuples: their fields, and calls of their classes. A class goes by "<handle>:Point(x,y)", which names the fields.
#include <algorithm>

#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

namespace {

std::vector<std::string> field_names(const std::string& name) {
  std::vector<std::string> fields;
  size_t start = name.find('(') + 1;
  while (start < name.size() && name[start] != ')') {
    const size_t end = name.find_first_of(",)", start);
    fields.push_back(name.substr(start, end - start));
    start = end + 1;
  }
  return fields;
}

} // namespace

std::optional<Value> named_tuple_field(Emitter& e, const Value& tuple, const std::string& name) {
  const std::vector<std::string> fields = field_names(tuple.type->name);
  const auto found = std::find(fields.begin(), fields.end(), name);
  return found == fields.end() ? std::nullopt : std::optional(e.item(tuple, static_cast<int>(found - fields.begin())));
}

Value call_named_tuple_class(Emitter& e, const Value& cls, const CallArgs& args) {
  const std::string name = cls.type->name.substr(cls.type->name.find(':') + 1);
  const std::string shown = ir::display(cls.type).substr(6);
  const std::vector<std::string> fields = field_names(name);
  if (args.positional.size() > fields.size()) {
    e.fail(shown + "() takes " + std::to_string(fields.size()) + " arguments but " + std::to_string(args.positional.size()) +
           " were given");
  }
  const auto refuse = [&](const char* what, const std::string& field) { e.fail(shown + "() " + what + " '" + field + "'"); };
  std::vector<Value> items(fields.size());
  std::copy(args.positional.begin(), args.positional.end(), items.begin());
  for (const auto& [keyword, value] : args.keywords) {
    const auto found = std::find(fields.begin(), fields.end(), keyword);
    if (found == fields.end()) {
      refuse("got an unexpected keyword argument", keyword);
    }
    Value& item = items[static_cast<size_t>(found - fields.begin())];
    if (item.type != nullptr) {
      refuse("got multiple values for argument", keyword);
    }
    item = value;
  }
  const std::vector<HostValue> defaults = e.session().named(cls.type).items;
  std::vector<ir::TypeRef> types;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t without_default = items.size() - defaults.size();
    if (items[i].type == nullptr && i < without_default) {
      refuse("is missing the argument", fields[i]);
    }
    if (items[i].type == nullptr) {
      items[i] = from_host(e, defaults[i - without_default]);
    }
    types.push_back(items[i].type);
  }
  return e.aggregate(ir::tuple_type(std::move(types), name), items);
}

} // namespace hasten::infer
