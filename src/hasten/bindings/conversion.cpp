#include "hasten/bindings/conversion.h"

#include <algorithm>
#include <array>

namespace hasten::bindings {
namespace {

using infer::Dialect;
using ir::Kind;

Conversion weaker(Conversion a, Conversion b) { return std::max(a, b); }

// How wide a float must be to hold the integers of a type.
int float_bits_for(ir::TypeRef integer) {
  const int bits = integer->is_signed ? integer->bits : 2 * integer->bits;
  return bits >= 32 ? 64 : 2 * bits;
}

Conversion integer_to_integer(ir::TypeRef from, ir::TypeRef to) {
  if (from->is_signed == to->is_signed) {
    return from->bits < to->bits ? Conversion::kPromote : Conversion::kUnsafe;
  }
  return to->is_signed && from->bits < to->bits ? Conversion::kSafe : Conversion::kUnsafe;
}

Conversion to_float(ir::TypeRef from, int bits) {
  switch (from->kind) {
  case Kind::kBool:
    return Conversion::kSafe;
  case Kind::kInt:
    return float_bits_for(from) <= bits ? Conversion::kSafe : Conversion::kUnsafe;
  case Kind::kFloat:
    if (from->bits == bits) {
      return Conversion::kExact;
    }
    return from->bits < bits ? Conversion::kPromote : Conversion::kUnsafe;
  default:
    return Conversion::kNone;
  }
}

Conversion to_complex(ir::TypeRef from, ir::TypeRef to) {
  if (from->kind == Kind::kComplex) {
    return from->bits < to->bits ? Conversion::kPromote : Conversion::kUnsafe;
  }
  return weaker(Conversion::kSafe, to_float(from, to->bits / 2));
}

Conversion between_dtypes(ir::TypeRef from, ir::TypeRef to) {
  if (from->dtype == to->dtype) {
    return Conversion::kExact;
  }
  switch (to->kind) {
  case Kind::kFloat:
    return to_float(from, to->bits);
  case Kind::kComplex:
    return to_complex(from, to);
  case Kind::kInt:
    if (from->kind == Kind::kBool) {
      return Conversion::kSafe;
    }
    return from->kind == Kind::kInt ? integer_to_integer(from, to) : from->kind == Kind::kFloat ? Conversion::kUnsafe : Conversion::kNone;
  case Kind::kBool:
    return from->kind == Kind::kComplex ? Conversion::kNone : Conversion::kUnsafe;
  default:
    return Conversion::kNone;
  }
}

// Python's numbers take any width of their kind, and of a higher one (NEP 50); the value is checked when it is converted.
Conversion from_python_number(ir::TypeRef from, ir::TypeRef to) {
  if (from->dtype == to->dtype) {
    return Conversion::kExact;
  }
  return from->kind <= to->kind ? Conversion::kSafe : Conversion::kNone;
}

Conversion between_numbers(ir::TypeRef from, ir::TypeRef to, Dialect dialect) {
  if (dialect == Dialect::kNumba) {
    return between_dtypes(from, to);
  }
  const Conversion found = from->weak ? from_python_number(from, to) : between_dtypes(from, to);
  return found == Conversion::kUnsafe ? Conversion::kNone : found;
}

Conversion between_arrays(ir::TypeRef from, ir::TypeRef to) {
  const bool fits = from->elem == to->elem && from->ndim == to->ndim && (to->layout == ir::Layout::kAny || to->layout == from->layout) &&
                    (to->readonly || !from->readonly);
  return fits ? Conversion::kSafe : Conversion::kNone;
}

Conversion between_items(ir::TypeRef from, ir::TypeRef to, Dialect dialect) {
  if (from->items.size() != to->items.size() || from->name != to->name) {
    return Conversion::kNone;
  }
  Conversion worst = Conversion::kExact;
  for (size_t i = 0; i < from->items.size(); ++i) {
    worst = weaker(worst, conversion(from->items[i], to->items[i], dialect));
  }
  return worst;
}

// How many arguments need each kind of conversion; fewer unsafe ones are better, then fewer safe ones, then fewer promotions.
using Rating = std::array<int, 3>;

bool rate(std::span<const ir::TypeRef> arguments, const std::vector<ir::TypeRef>& signature, Dialect dialect, Rating* rating) {
  if (arguments.size() != signature.size()) {
    return false;
  }
  *rating = {0, 0, 0};
  for (size_t i = 0; i < arguments.size(); ++i) {
    switch (conversion(arguments[i], signature[i], dialect)) {
    case Conversion::kExact:
      break;
    case Conversion::kPromote:
      ++(*rating)[2];
      break;
    case Conversion::kSafe:
      ++(*rating)[1];
      break;
    case Conversion::kUnsafe:
      ++(*rating)[0];
      break;
    case Conversion::kNone:
      return false;
    }
  }
  return true;
}

} // namespace

Conversion conversion(ir::TypeRef from, ir::TypeRef to, Dialect dialect) {
  if (from == to) {
    return Conversion::kExact;
  }
  if (to->kind == Kind::kOptional) {
    if (from->kind == Kind::kNone) {
      return Conversion::kPromote;
    }
    ir::TypeRef present = from->kind == Kind::kOptional ? from->elem : from;
    return weaker(Conversion::kPromote, conversion(present, to->elem, dialect));
  }
  if (ir::is_number(from) && ir::is_number(to)) {
    return between_numbers(from, to, dialect);
  }
  if (ir::is_array(from) && ir::is_array(to)) {
    return between_arrays(from, to);
  }
  if (from->kind == to->kind && (from->kind == Kind::kTuple || from->kind == Kind::kSlice)) {
    return between_items(from, to, dialect);
  }
  return from->kind == Kind::kRange && to->kind == Kind::kRange ? Conversion::kPromote : Conversion::kNone;
}

std::vector<size_t> best_signatures(std::span<const ir::TypeRef> arguments, std::span<const std::vector<ir::TypeRef>> signatures,
                                    Dialect dialect) {
  std::vector<size_t> best;
  Rating best_rating{};
  for (size_t i = 0; i < signatures.size(); ++i) {
    Rating rating;
    if (!rate(arguments, signatures[i], dialect, &rating)) {
      continue;
    }
    if (best.empty() || rating < best_rating) {
      best.assign(1, i);
      best_rating = rating;
    } else if (rating == best_rating) {
      best.push_back(i);
    }
  }
  return best;
}

std::string display_all(std::span<const ir::TypeRef> types) {
  std::string text;
  for (ir::TypeRef type : types) {
    text += (text.empty() ? "" : ", ") + ir::display(type);
  }
  return text;
}

} // namespace hasten::bindings
