#include "hasten/bindings/unit_codec.h"

#include <vector>

#include "hasten/bindings/byte_stream.h"

namespace hasten::bindings {
namespace {

// Handles are numbers of this process.
bool names_object(ir::TypeRef type) {
  for (const char* what : {"callable:", "host:", "namedtuple:", "ufunc:"}) {
    if (ir::is_named(type, what)) {
      return true;
    }
  }
  if (ir::is_tuple(type) && !type->name.empty()) {
    return true;
  }
  for (ir::TypeRef item : type->items) {
    if (names_object(item)) {
      return true;
    }
  }
  return type->elem != nullptr && names_object(type->elem);
}

class Encoder {
public:
  void put(uint64_t number) { out_.put(number); }
  void put(const std::string& text) { out_.put(text); }
  void put(ir::TypeRef type) {
    out_.put(type->text);
    is_portable_ = is_portable_ && ir::parse_type(type->text) == type && !names_object(type);
  }
  void put(const ir::Location& location) {
    const auto& [function, line, column] = location;
    put(uint64_t{function});
    put(static_cast<uint64_t>(line));
    put(static_cast<uint64_t>(column));
  }
  void put(const ir::RaiseSite& site) {
    const auto& [exception, arguments, is_instance] = site;
    put(static_cast<uint64_t>(exception));
    put_all(arguments);
    put(uint64_t{is_instance});
  }
  void put(const ir::Binding& binding) {
    const auto& [path, type, handle] = binding;
    put(path);
    put(type);
    is_portable_ = is_portable_ && (handle == 0 || !path.empty());
  }
  template <typename Item> void put_all(const std::vector<Item>& items) {
    put(uint64_t{items.size()});
    for (const Item& item : items) {
      put(item);
    }
  }

  bool is_portable() const { return is_portable_; }
  std::string take() { return out_.take(); }

private:
  ByteWriter out_;
  bool is_portable_ = true;
};

class Decoder {
public:
  explicit Decoder(std::string_view bytes) : in_(bytes) {}

  template <typename Number> void get_number(Number* number) { *number = static_cast<Number>(in_.number()); }
  void get(std::string* text) { *text = in_.text(); }
  void get(ir::TypeRef* type) {
    *type = ir::parse_type(in_.text());
    if (*type == nullptr) {
      in_.fail();
    }
  }
  void get(ir::Location* location) {
    get_number(&location->function);
    get_number(&location->line);
    get_number(&location->column);
  }
  void get(ir::RaiseSite* site) {
    get_number(&site->exception);
    get_all(&site->arguments);
    get_number(&site->is_instance);
  }
  void get(ir::Binding* binding) {
    get(&binding->path);
    get(&binding->type);
  }
  template <typename Item> void get_all(std::vector<Item>* items) {
    for (uint64_t left = in_.count(); left > 0 && in_.is_good(); --left) {
      get(&items->emplace_back());
    }
  }

  bool is_at_end() const { return in_.is_at_end(); }

private:
  ByteReader in_;
};

// The tables speak of each other by index.
bool is_consistent(const compiler::Unit& unit) {
  for (const ir::Location& location : unit.locations) {
    if (location.function >= unit.names.size()) {
      return false;
    }
  }
  for (const ir::RaiseSite& site : unit.sites) {
    if (site.exception < 0 || static_cast<size_t>(site.exception) >= unit.bindings.size()) {
      return false;
    }
  }
  return true;
}

} // namespace

std::optional<std::string> encode(const compiler::Unit& unit) {
  // A new field of Unit must be thought of here, or this doesn't compile. The cache asks for captured values itself.
  const auto& [arguments, result, sites, locations, names, bindings, captured, callees, symbols, has_parallel_loops, object, ir_text] =
      unit;
  (void)captured;
  (void)callees;
  (void)ir_text;
  Encoder out;
  out.put_all(arguments);
  out.put(result);
  out.put_all(sites);
  out.put_all(locations);
  out.put_all(names);
  out.put_all(bindings);
  out.put_all(symbols);
  out.put(uint64_t{has_parallel_loops});
  out.put(object.bytes);
  return out.is_portable() ? std::optional(out.take()) : std::nullopt;
}

std::optional<compiler::Unit> decode(std::string_view bytes) {
  Decoder in(bytes);
  compiler::Unit unit;
  in.get_all(&unit.arguments);
  in.get(&unit.result);
  in.get_all(&unit.sites);
  in.get_all(&unit.locations);
  in.get_all(&unit.names);
  in.get_all(&unit.bindings);
  in.get_all(&unit.symbols);
  in.get_number(&unit.has_parallel_loops);
  in.get(&unit.object.bytes);
  return in.is_at_end() && is_consistent(unit) ? std::optional(std::move(unit)) : std::nullopt;
}

} // namespace hasten::bindings
