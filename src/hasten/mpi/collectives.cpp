#include "hasten/mpi/collectives.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/views.h"
#include "hasten/mpi/buffer.h"
#include "hasten/mpi/library.h"

namespace hasten::mpi {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ErrorKind;

int32_t enter(Env* env, int64_t root) {
  if (const int32_t status = check_rank(env, root, "root")) {
    return status;
  }
  return enter_collective(env);
}

// What ranks tell each other of an array.
struct Header {
  int32_t dtype = 0;
  int32_t ndim = 0;
  int64_t shape[array::kMostDims] = {};

  Header() = default;
  explicit Header(const ArrayView& array) : dtype(static_cast<int32_t>(array.dtype)), ndim(array.ndim) {
    std::copy_n(array.shape, array.ndim, shape);
  }

  abi::TypeNum type() const { return static_cast<abi::TypeNum>(dtype); }
  bool is_like(const Header& other) const { return dtype == other.dtype && ndim == other.ndim; }
  // Whether rows of both can stand in one array.
  bool has_rows_of(const Header& other) const { return is_like(other) && std::equal(shape + 1, shape + ndim, other.shape + 1); }
  int64_t row() const { return array::count_items(shape + 1, ndim - 1); }
  int64_t items() const { return array::count_items(shape, ndim); }
  std::string text() const { return std::string(array::name_of(type())) + " of shape " + array::shape_text(shape, ndim); }
};

int32_t share_header(Env* env, Header* header, int64_t root) {
  const Library& mpi = library();
  return check(env, mpi.call.Bcast(header, sizeof *header, mpi.byte, static_cast<int>(root), mpi.world), "MPI_Bcast");
}

int32_t refuse_other_array(Env* env, const char* function, const Header& wanted, const Header& own, int64_t root) {
  return static_cast<int32_t>(
      fail(env, ErrorKind::kTypeError,
           "%s(): rank %lld passes an array of %s, rank %d one of %s; dtype and dimensions are the same in all ranks", function,
           static_cast<long long>(root), wanted.text().c_str(), library().rank, own.text().c_str()));
}

int32_t allocate(Env* env, ArrayView* out, const int64_t* shape) {
  std::copy_n(shape, out->ndim, out->shape);
  return static_cast<int32_t>(array::allocate(env, out, array::item_bytes(out->dtype)));
}

// A result that its receiver won't get is released.
int32_t settled(int32_t status, ArrayView* out) {
  if (status != 0) {
    abi::hst_block_release(out->block);
  }
  return status;
}

// Memory for what other ranks sent of another dtype or shape: this one takes part all the same, so that they go on.
std::vector<char> unwanted_memory(const Header& header, int64_t items) {
  return std::vector<char>(static_cast<size_t>(items * array::item_bytes(header.type())));
}

void make_empty(ArrayView* out) {
  out->block = nullptr;
  out->data = nullptr;
  std::fill_n(out->shape, out->ndim, 0);
  std::fill_n(out->strides, out->ndim, 0);
}

// The items of each rank: how many, and where they begin.
struct Shares {
  std::vector<int> counts;
  std::vector<int> starts;

  int32_t add(Env* env, int64_t rows, int64_t row, const ItemType& type) {
    int count = 0;
    int end = 0;
    if (const int32_t status = count_of(env, rows * row, type, &count)) {
      return status;
    }
    starts.push_back(counts.empty() ? 0 : starts.back() + counts.back());
    if (const int32_t status = count_of(env, (int64_t{starts.back()} + count) / type.units, type, &end)) {
      return status;
    }
    counts.push_back(count);
    return 0;
  }
};

// Consecutive rows for each rank, the first ones one more where they can't be cut evenly.
int64_t rows_of(int64_t rank, int64_t rows) {
  const int64_t size = library().size;
  return rows / size + (rank < rows % size ? 1 : 0);
}

int32_t scatter_rows(Env* env, const Header& header, const void* whole, void* part, int64_t root) {
  const Library& mpi = library();
  const ItemType type = item_type(header.type());
  Shares shares;
  for (int64_t rank = 0; rank < mpi.size; ++rank) {
    if (const int32_t status = shares.add(env, rows_of(rank, header.shape[0]), header.row(), type)) {
      return status;
    }
  }
  const int code = mpi.call.Scatterv(whole, shares.counts.data(), shares.starts.data(), type.type, part,
                                     shares.counts[static_cast<size_t>(mpi.rank)], type.type, static_cast<int>(root), mpi.world);
  return check(env, code, "MPI_Scatterv");
}

// The headers of all ranks, whose rows can stand in one array.
int32_t share_headers(Env* env, const char* function, const ArrayView& values, std::vector<Header>* headers) {
  const Library& mpi = library();
  const Header own(values);
  headers->resize(static_cast<size_t>(mpi.size));
  const int code = mpi.call.Allgather(&own, sizeof own, mpi.byte, headers->data(), sizeof own, mpi.byte, mpi.world);
  if (const int32_t status = check(env, code, "MPI_Allgather")) {
    return status;
  }
  const Header& first = headers->front();
  const auto other = std::find_if(headers->begin(), headers->end(), [&](const Header& header) { return !header.has_rows_of(first); });
  if (other == headers->end()) {
    return 0;
  }
  return static_cast<int32_t>(fail(env, ErrorKind::kValueError,
                                   "%s(): the arrays of all ranks have one dtype and one shape but for their length, "
                                   "but rank 0 passes %s, rank %d %s",
                                   function, first.text().c_str(), static_cast<int>(other - headers->begin()), other->text().c_str()));
}

int32_t join_headers(Env* env, const std::vector<Header>& headers, Header* whole, Shares* shares) {
  *whole = headers.front();
  whole->shape[0] = 0;
  for (const Header& header : headers) {
    whole->shape[0] += header.shape[0];
    if (const int32_t status = shares->add(env, header.shape[0], header.row(), item_type(header.type()))) {
      return status;
    }
  }
  return 0;
}

// What this rank brings to a call that joins the rows of all, and what it must know of the others.
struct Joining {
  Header whole;
  Shares shares;
  Buffer own;

  int32_t open(Env* env, const char* function, const ArrayView& values) {
    std::vector<Header> headers;
    if (const int32_t status = share_headers(env, function, values, &headers)) {
      return status;
    }
    if (const int32_t status = join_headers(env, headers, &whole, &shares)) {
      return status;
    }
    return own.open_to_send(env, values);
  }
};

Handle operation(abi::TypeNum dtype, int64_t how) {
  auto combine = static_cast<Combine>(how);
  if (dtype == abi::TypeNum::kBool) { // as NumPy's functions of these names treat bools
    switch (combine) {
    case Combine::kSum:
    case Combine::kMax:
    case Combine::kOr:
      combine = Combine::kLogicalOr;
      break;
    case Combine::kXor:
      combine = Combine::kLogicalXor;
      break;
    default:
      combine = Combine::kLogicalAnd;
    }
  }
  return library().combine[static_cast<size_t>(combine)];
}

int32_t reduce(Env* env, int8_t* has_result, ArrayView* out, const ArrayView& values, int64_t how, int64_t root, bool always_has_memory) {
  if (const int32_t status = enter(env, root)) {
    return status;
  }
  Buffer own;
  if (const int32_t status = own.open_to_send(env, values)) {
    return status;
  }
  const Library& mpi = library();
  *has_result = mpi.rank == root ? 1 : 0;
  if (*has_result != 0 || always_has_memory) {
    if (const int32_t status = allocate(env, out, values.shape)) {
      return status;
    }
  } else {
    make_empty(out);
  }
  if (*has_result == 0 && always_has_memory) {
    std::memset(out->data, 0, static_cast<size_t>(out->block->bytes));
  }
  const int code = mpi.call.Reduce(own.data(), *has_result != 0 ? out->data : nullptr, own.count(), own.type().type,
                                   operation(values.dtype, how), static_cast<int>(root), mpi.world);
  const int32_t status = check(env, code, "MPI_Reduce");
  return out->block != nullptr ? settled(status, out) : status;
}

} // namespace
} // namespace hasten::mpi

using namespace hasten::mpi;

extern "C" {

int32_t hst_mpi_barrier(Env* env) {
  if (const int32_t status = enter_collective(env)) {
    return status;
  }
  return check(env, library().call.Barrier(library().world), "MPI_Barrier");
}

int32_t hst_mpi_bcast(Env* env, ArrayView* out, const ArrayView* value, int64_t root) {
  if (const int32_t status = enter(env, root)) {
    return status;
  }
  const Library& mpi = library();
  const Header own(*value);
  Header header = own;
  if (const int32_t status = share_header(env, &header, root)) {
    return status;
  }
  const ItemType type = item_type(header.type());
  int count = 0;
  if (const int32_t status = count_of(env, header.items(), type, &count)) {
    return status;
  }
  const auto bcast = [&](void* data) {
    return check(env, mpi.call.Bcast(data, count, type.type, static_cast<int>(root), mpi.world), "MPI_Bcast");
  };
  if (mpi.rank == root) {
    Buffer sent;
    if (const int32_t status = sent.open_to_send(env, *value)) {
      return status;
    }
    std::copy_n(value->shape, value->ndim, out->shape);
    std::copy_n(value->strides, value->ndim, out->strides);
    hasten::array::share_memory(out, *value);
    return settled(bcast(sent.data()), out);
  }
  if (!own.is_like(header)) {
    bcast(unwanted_memory(header, header.items()).data());
    return refuse_other_array(env, "bcast", header, own, root);
  }
  if (const int32_t status = allocate(env, out, header.shape)) {
    return status;
  }
  return settled(bcast(out->data), out);
}

int32_t hst_mpi_scatter(Env* env, ArrayView* out, const ArrayView* values, int64_t root) {
  if (const int32_t status = enter(env, root)) {
    return status;
  }
  const int rank = library().rank;
  const Header own(*values);
  Header header = own;
  if (const int32_t status = share_header(env, &header, root)) {
    return status;
  }
  Header part = header;
  part.shape[0] = rows_of(rank, header.shape[0]);
  if (!own.is_like(header)) {
    scatter_rows(env, header, nullptr, unwanted_memory(part, part.items()).data(), root);
    return refuse_other_array(env, "scatter", header, own, root);
  }
  Buffer whole;
  if (rank == root) {
    if (const int32_t status = whole.open_to_send(env, *values)) {
      return status;
    }
  }
  if (const int32_t status = allocate(env, out, part.shape)) {
    return status;
  }
  return settled(scatter_rows(env, header, whole.data(), out->data, root), out);
}

int32_t hst_mpi_gather(Env* env, int8_t* has_result, ArrayView* out, const ArrayView* values, int64_t root) {
  if (const int32_t status = enter(env, root)) {
    return status;
  }
  Joining all;
  if (const int32_t status = all.open(env, "gather", *values)) {
    return status;
  }
  const Library& mpi = library();
  const Handle type = all.own.type().type;
  *has_result = mpi.rank == root ? 1 : 0;
  if (*has_result == 0) {
    make_empty(out);
    const int code =
        mpi.call.Gatherv(all.own.data(), all.own.count(), type, nullptr, nullptr, nullptr, type, static_cast<int>(root), mpi.world);
    return check(env, code, "MPI_Gatherv");
  }
  if (const int32_t status = allocate(env, out, all.whole.shape)) {
    return status;
  }
  const int code = mpi.call.Gatherv(all.own.data(), all.own.count(), type, out->data, all.shares.counts.data(), all.shares.starts.data(),
                                    type, static_cast<int>(root), mpi.world);
  return settled(check(env, code, "MPI_Gatherv"), out);
}

int32_t hst_mpi_allgather(Env* env, ArrayView* out, const ArrayView* values) {
  if (const int32_t status = enter_collective(env)) {
    return status;
  }
  Joining all;
  if (const int32_t status = all.open(env, "allgather", *values)) {
    return status;
  }
  if (const int32_t status = allocate(env, out, all.whole.shape)) {
    return status;
  }
  const Library& mpi = library();
  const Handle type = all.own.type().type;
  const int code = mpi.call.Allgatherv(all.own.data(), all.own.count(), type, out->data, all.shares.counts.data(), all.shares.starts.data(),
                                       type, mpi.world);
  return settled(check(env, code, "MPI_Allgatherv"), out);
}

int32_t hst_mpi_reduce(Env* env, int8_t* has_result, ArrayView* out, const ArrayView* values, int64_t how, int64_t root) {
  return reduce(env, has_result, out, *values, how, root, false);
}

int32_t hst_mpi_reduce_or_zero(Env* env, int8_t* has_result, ArrayView* out, const ArrayView* values, int64_t how, int64_t root) {
  return reduce(env, has_result, out, *values, how, root, true);
}

int32_t hst_mpi_allreduce(Env* env, ArrayView* out, const ArrayView* values, int64_t how) {
  if (const int32_t status = enter_collective(env)) {
    return status;
  }
  Buffer own;
  if (const int32_t status = own.open_to_send(env, *values)) {
    return status;
  }
  if (const int32_t status = allocate(env, out, values->shape)) {
    return status;
  }
  const Library& mpi = library();
  const int code = mpi.call.Allreduce(own.data(), out->data, own.count(), own.type().type, operation(values->dtype, how), mpi.world);
  return settled(check(env, code, "MPI_Allreduce"), out);
}
}
