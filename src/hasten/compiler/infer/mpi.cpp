// hasten.mpi: messages and collective calls on arrays and numbers. A number travels as an array of one item.
#include <array>
#include <utility>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Layout;
using ir::TypeRef;

namespace {

TypeRef own(Emitter& e, TypeRef weak) { return e.numba() ? ir::strong(weak) : weak; }

TypeRef int_type(Emitter& e) { return own(e, ir::int_type()); }

Value cast_item(Emitter& e, const Value& v, TypeRef elem) {
  return e.elementwise(std::array{v}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
}

// ---- arguments

// The array that stands for a value on its way.
Value as_buffer(Emitter& e, const std::string& function, const Value& given_value) {
  const Value v = as_unsigned(e, given_value).value_or(e.unwrap(given_value));
  if (ir::is_array(v.type)) {
    return v;
  }
  if (!ir::is_number(v.type)) {
    e.fail(function + "() takes an array or a number in compiled code, not " + ir::display(v.type));
  }
  TypeRef elem = ir::strong(v.type);
  return e.filled({e.integer(1)}, elem, std::array{v}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); }, false);
}

Value as_rows(Emitter& e, const std::string& function, const Value& given_value) {
  const Value v = e.unwrap(given_value);
  if (!ir::is_array(v.type) || v.type->ndim == 0) {
    e.fail(function + "() takes an array with at least one dimension in compiled code, not " + ir::display(v.type));
  }
  return v;
}

Value as_target(Emitter& e, const std::string& function, const Value& given_value) {
  const Value v = e.unwrap(given_value);
  if (!ir::is_array(v.type)) {
    e.fail(function + "() fills an array, not " + ir::display(v.type));
  }
  if (v.type->readonly) {
    e.fail(function + "() can't write into an array that is read-only");
  }
  return v;
}

Value int_or(Emitter& e, const Value& v, int64_t otherwise, std::string_view what) {
  return given(v) ? e.intp(v, what) : e.integer(otherwise);
}

Value as_requests(Emitter& e, const std::string& function, const Value& given_value) {
  Value v = e.unwrap(given_value);
  if (ir::is_tuple(v.type) && v.type->items.empty()) {
    v = e.allocate({e.integer(0)}, ir::intp_type(), false);
  } else if (ir::is_tuple(v.type)) {
    v = as_array(e, v);
  }
  if (!ir::is_array(v.type) || v.type->ndim != 1 || !ir::is_integer(v.type->elem)) {
    e.fail(function + "() takes requests in a tuple or in an array of ints, not " + ir::display(v.type));
  }
  return v.type->elem == ir::intp_type() ? v : cast_item(e, v, ir::intp_type());
}

// ---- results

Value first_item(Emitter& e, const Value& array, TypeRef type) { return e.cast(array_item(e, array, e.integer(0)), type); }

// What Python gets for a number of this type that has been through MPI.
bool is_number_value(const Value& v) { return ir::is_number(v.type) || ir::is_named(v.type, "bigint:"); }

TypeRef type_of_number(Emitter& e, const Value& given_value) { return as_unsigned(e, given_value).value_or(given_value).type; }

TypeRef arrival_type(Emitter& e) { return ir::tuple_type({int_type(e), int_type(e)}); }

TypeRef new_array_like(const Value& v) { return ir::array_type(v.type->elem, v.type->ndim, Layout::kC); }

// ---- ranks and time

Value rank_rule(Emitter& e, const CallArgs& args) {
  bind(e, "rank", args, {});
  return e.runtime("hst_mpi_rank", int_type(e), {});
}

Value size_rule(Emitter& e, const CallArgs& args) {
  bind(e, "size", args, {});
  return e.runtime("hst_mpi_size", int_type(e), {});
}

Value initialized_rule(Emitter& e, const CallArgs& args) {
  bind(e, "initialized", args, {});
  return e.runtime("hst_mpi_initialized", own(e, ir::bool_type()), {});
}

Value wtime_rule(Emitter& e, const CallArgs& args) {
  bind(e, "wtime", args, {});
  return e.runtime("hst_mpi_wtime", own(e, ir::float_type()), {});
}

// ---- messages

Value send_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind(e, "send", args, {"array", "dest", "tag?"});
  return e.runtime("hst_mpi_send", ir::none_type(), {as_buffer(e, "send", b[0]), e.intp(b[1], "dest"), int_or(e, b[2], 0, "tag")});
}

Value recv_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind(e, "recv", args, {"array", "source", "tag?"});
  return e.runtime("hst_mpi_recv", arrival_type(e), {as_target(e, "recv", b[0]), e.intp(b[1], "source"), int_or(e, b[2], 0, "tag")});
}

Value sendrecv_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind(e, "sendrecv", args, {"sent", "dest", "received", "source", "tag?"});
  return e.runtime("hst_mpi_sendrecv", arrival_type(e),
                   {as_buffer(e, "sendrecv", b[0]), e.intp(b[1], "dest"), as_target(e, "sendrecv", b[2]), e.intp(b[3], "source"),
                    int_or(e, b[4], 0, "tag")});
}

Value isend_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind(e, "isend", args, {"array", "dest", "tag?"});
  return e.runtime("hst_mpi_isend", int_type(e), {as_buffer(e, "isend", b[0]), e.intp(b[1], "dest"), int_or(e, b[2], 0, "tag")});
}

Value irecv_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind(e, "irecv", args, {"array", "source", "tag?"});
  return e.runtime("hst_mpi_irecv", int_type(e), {as_target(e, "irecv", b[0]), e.intp(b[1], "source"), int_or(e, b[2], 0, "tag")});
}

Value wait_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_wait", arrival_type(e), {e.intp(bind(e, "wait", args, {"request"})[0], "a request")});
}

Value test_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_test", own(e, ir::bool_type()), {e.intp(bind(e, "test", args, {"request"})[0], "a request")});
}

Value waitall_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_waitall", ir::none_type(), {as_requests(e, "waitall", bind(e, "waitall", args, {"requests"})[0])});
}

Value waitany_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_waitany", int_type(e), {as_requests(e, "waitany", bind(e, "waitany", args, {"requests"})[0])});
}

Value testall_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_testall", own(e, ir::bool_type()), {as_requests(e, "testall", bind(e, "testall", args, {"requests"})[0])});
}

Value testany_rule(Emitter& e, const CallArgs& args) {
  return e.runtime("hst_mpi_testany", int_type(e), {as_requests(e, "testany", bind(e, "testany", args, {"requests"})[0])});
}

// ---- collective calls

// Compiled code and Python say different things to the other ranks, but for barriers. Plain jit, which may leave a function to Python in
// one rank (for an argument that only the root has) and compile it in another, leaves these calls to Python in all.
std::vector<Value> bind_collective(Emitter& e, std::string_view function, const CallArgs& args,
                                   std::initializer_list<std::string_view> names) {
  if (e.options().exact_joins) {
    e.fail("plain jit leaves " + std::string(function) + "() to Python, so that all ranks make the call in the same way",
           "Use njit to compile it.");
  }
  return bind(e, function, args, names);
}

Value barrier_rule(Emitter& e, const CallArgs& args) {
  bind(e, "barrier", args, {});
  return e.runtime("hst_mpi_barrier", ir::none_type(), {});
}

Value bcast_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind_collective(e, "bcast", args, {"value", "root?"});
  const Value sent = as_buffer(e, "bcast", b[0]);
  const Layout layout = sent.type->layout == Layout::kC ? Layout::kC : Layout::kAny; // rank `root` gets its own array
  const Value out = e.runtime("hst_mpi_bcast", ir::array_type(sent.type->elem, sent.type->ndim, layout, sent.type->readonly),
                              {sent, int_or(e, b[1], 0, "root")});
  return is_number_value(b[0]) ? first_item(e, out, type_of_number(e, b[0])) : out;
}

Value scatter_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind_collective(e, "scatter", args, {"values", "root?"});
  const Value values = as_rows(e, "scatter", b[0]);
  return e.runtime("hst_mpi_scatter", new_array_like(values), {values, int_or(e, b[1], 0, "root")});
}

Value gather_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind_collective(e, "gather", args, {"values", "root?"});
  const Value values = as_rows(e, "gather", b[0]);
  return e.runtime("hst_mpi_gather", ir::optional_type(new_array_like(values)), {values, int_or(e, b[1], 0, "root")});
}

Value allgather_rule(Emitter& e, const CallArgs& args) {
  const Value values = as_rows(e, "allgather", bind_collective(e, "allgather", args, {"values"})[0]);
  return e.runtime("hst_mpi_allgather", new_array_like(values), {values});
}

struct Operation {
  std::string_view name;
  bool needs_order;
  bool needs_bits;
};

// In the order of mpi/library.h's Combine.
constexpr Operation kOperations[] = {
    {"sum", false, false}, {"prod", false, false}, {"min", true, false}, {"max", true, false},
    {"and", false, true},  {"or", false, true},    {"xor", false, true},
};

int64_t operation_argument(Emitter& e, const std::string& function, const Value& v, TypeRef elem) {
  const std::optional<std::string> name = given(v) ? e.known_string(v) : "sum";
  int64_t position = 0;
  for (const Operation& operation : kOperations) {
    if (name == operation.name) {
      if ((operation.needs_order && ir::is_complex(elem)) || (operation.needs_bits && !ir::is_integral(elem))) {
        e.fail(function + "() can't combine " + ir::display(elem) + " by '" + *name + "'");
      }
      return position;
    }
    ++position;
  }
  e.fail(function + "() takes op=\"sum\", \"prod\", \"min\", \"max\", \"and\", \"or\" or \"xor\", written out in the call");
}

// A value that ranks combine: the array that MPI gets, and the type that the result has in the end.
struct Combined {
  Value array;
  TypeRef elem;   // of the result
  TypeRef number; // null: the result is an array
  int64_t how;
};

Combined combined_argument(Emitter& e, const std::string& function, const Value& value, const Value& op) {
  Value v = as_unsigned(e, value).value_or(e.unwrap(value));
  const bool is_number = ir::is_number(v.type);
  if (!is_number && !ir::is_array(v.type)) {
    e.fail(function + "() takes an array or a number in compiled code, not " + ir::display(v.type));
  }
  TypeRef elem = is_number ? v.type : v.type->elem;
  const int64_t how = operation_argument(e, function, op, elem);
  if (is_number && elem->kind == ir::Kind::kBool && elem->weak && how < 2) { // True + True is 2 in Python
    v = e.cast(v, ir::int_type());
    elem = v.type;
  }
  Combined all{as_buffer(e, function, v), elem, is_number ? elem : nullptr, how};
  if (all.array.type->elem->dtype == DType::kFloat16) { // MPI has no such type
    all.array = cast_item(e, all.array, ir::scalar_type(DType::kFloat32));
  }
  return all;
}

Value combined_result(Emitter& e, const Combined& all, const Value& out) {
  if (all.number != nullptr) {
    return first_item(e, out, all.number);
  }
  return out.type->elem->dtype == all.elem->dtype ? out : cast_item(e, out, ir::strong(all.elem));
}

Value allreduce_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind_collective(e, "allreduce", args, {"value", "op?"});
  const Combined all = combined_argument(e, "allreduce", b[0], b[1]);
  return combined_result(e, all, e.runtime("hst_mpi_allreduce", new_array_like(all.array), {all.array, e.integer(all.how)}));
}

Value reduce_rule(Emitter& e, const CallArgs& args) {
  const auto b = bind_collective(e, "reduce", args, {"value", "op?", "root?"});
  const Combined all = combined_argument(e, "reduce", b[0], b[1]);
  const bool reads_result = all.number != nullptr || all.array.type->elem->dtype != all.elem->dtype;
  const Value out = e.runtime(reads_result ? "hst_mpi_reduce_or_zero" : "hst_mpi_reduce", ir::optional_type(new_array_like(all.array)),
                              {all.array, e.integer(all.how), int_or(e, b[2], 0, "root")});
  if (!reads_result) {
    return out;
  }
  const Value result = combined_result(e, all, e.item(out, 1));
  return e.aggregate(ir::optional_type(result.type), std::array{e.item(out, 0), result});
}

constexpr std::array kRules{
    RuleEntry{"hasten.mpi.rank", rank_rule},
    RuleEntry{"hasten.mpi.size", size_rule},
    RuleEntry{"hasten.mpi.initialized", initialized_rule},
    RuleEntry{"hasten.mpi.wtime", wtime_rule},
    RuleEntry{"hasten.mpi.send", send_rule},
    RuleEntry{"hasten.mpi.recv", recv_rule},
    RuleEntry{"hasten.mpi.sendrecv", sendrecv_rule},
    RuleEntry{"hasten.mpi.isend", isend_rule},
    RuleEntry{"hasten.mpi.irecv", irecv_rule},
    RuleEntry{"hasten.mpi.wait", wait_rule},
    RuleEntry{"hasten.mpi.waitall", waitall_rule},
    RuleEntry{"hasten.mpi.waitany", waitany_rule},
    RuleEntry{"hasten.mpi.test", test_rule},
    RuleEntry{"hasten.mpi.testall", testall_rule},
    RuleEntry{"hasten.mpi.testany", testany_rule},
    RuleEntry{"hasten.mpi.barrier", barrier_rule},
    RuleEntry{"hasten.mpi.bcast", bcast_rule},
    RuleEntry{"hasten.mpi.scatter", scatter_rule},
    RuleEntry{"hasten.mpi.gather", gather_rule},
    RuleEntry{"hasten.mpi.allgather", allgather_rule},
    RuleEntry{"hasten.mpi.reduce", reduce_rule},
    RuleEntry{"hasten.mpi.allreduce", allreduce_rule},
};

} // namespace

std::span<const RuleEntry> mpi_rules() { return kRules; }

} // namespace hasten::infer
