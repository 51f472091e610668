// What inference asks of Python. The bindings implement it; tests use a table.
//
// A Host may be called from any thread without the GIL (it takes the GIL for each call itself), and its calls may run Python code, which
// may compile again: no lock of the engine is held across a call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hasten/compiler/ir/function.h"
#include "hasten/compiler/syntax/tree.h"

namespace hasten::infer {

// An object that the Host knows, for as long as the Host lives. The same object has the same handle. 0: none.
using Handle = uint64_t;

// A Python object as the compiler sees it.
//   scalars, strings       constants (type, constant; text for strings, type `literal:<text>`)
//   tuples                 items
//   arrays, channels       type, handle: bound at load time
//   slices, namedtuples    items, as those of tuples
//   named                  type names it (ir/type.h); items: a namedtuple class's defaults, of its last fields
struct HostValue {
  ir::TypeRef type = nullptr;
  ir::Constant constant;
  std::vector<HostValue> items;
  std::string text;
  Handle handle = 0;
  std::string path; // how another process finds it again; see ir::Binding
};

struct ParameterInfo {
  std::string name;
  syntax::ParameterKind kind;
  std::optional<HostValue> default_value;
};

enum class Dialect : uint8_t { kPython, kNumba };
enum class ErrorModel : uint8_t { kPython, kNumpy };

// Options of one jitted function.
struct Options {
  Dialect dialect = Dialect::kPython;
  ir::Overflow overflow = ir::Overflow::kWrap; // of Python's ints
  ErrorModel error_model = ErrorModel::kPython;
  bool exact_joins = false; // plain jit: where an int and a float meet, give back what Python gives (rule 2)
  bool bounds_check = true;
  uint8_t fastmath = 0; // bits of ir::FastMath
  bool parallel = false;
  bool nogil = false;
  bool debug = false;
  std::map<std::string, ir::TypeRef> locals; // declared types of local variables
};

// A function that may be compiled, or inlined into a caller.
struct HostFunction {
  std::shared_ptr<const syntax::Source> source;
  std::vector<ParameterInfo> parameters;
  Options options;
  Handle handle = 0;
};

// A ufunc or gufunc that was made of a compiled function.
struct HostUfunc {
  std::string name;
  std::string layout;                 // "(n),()->(n)" of a gufunc, as it was written; else empty
  std::vector<std::vector<int>> core; // of each operand of a gufunc: its core dimensions, by number
  size_t inputs = 0;
  size_t outputs = 0;
  Handle function = 0;
  std::vector<std::vector<ir::TypeRef>> signatures; // the function's arguments in each loop; empty: it is compiled for what comes
  std::vector<ir::TypeRef> results;                 // one for each signature
};

class Host {
public:
  virtual ~Host() = default;

  // A name that the function reads but doesn't bind: closure cell, global, builtin, in that order. None where there is no such name.
  virtual std::optional<HostValue> lookup(Handle function, const std::string& name) = 0;
  // object.name of a named value or host object. None where there is no such attribute, or where it means nothing to the compiler.
  virtual std::optional<HostValue> attribute(const HostValue& object, const std::string& name) = 0;
  // The function behind `callable:<handle>`. Throws Diagnostic where the source can't be had.
  virtual std::shared_ptr<const HostFunction> function(Handle callable) = 0;
  // The ufunc behind `ufunc:<handle>`.
  virtual std::shared_ptr<const HostUfunc> ufunc(Handle) { return nullptr; }
  // The compiled function that was declared to stand for `callable` on these types; 0 where there is none. Throws Diagnostic where the
  // declaration fails.
  virtual Handle overload(Handle /*callable*/, const std::vector<ir::TypeRef>& /*positional*/,
                          const std::vector<std::pair<std::string, ir::TypeRef>>& /*keywords*/) {
    return 0;
  }
  // The type that `numba.typeof`/`locals=` texts name: "float64[:, ::1]" and the like. Null where it is none.
  virtual ir::TypeRef parse_signature_type(const std::string& text) = 0;
};

} // namespace hasten::infer
