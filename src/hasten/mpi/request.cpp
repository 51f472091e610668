#include "hasten/mpi/request.h"

#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "hasten/mpi/buffer.h"
#include "hasten/mpi/patience.h"

namespace hasten::mpi {
namespace {

struct Table {
  std::mutex mutex;
  std::unordered_map<int64_t, std::shared_ptr<Request>> requests;
  int64_t last = 0;
};

// Leaked on purpose: requests may be under way when the process ends.
Table& table() {
  static auto* const kTable = new Table;
  return *kTable;
}

} // namespace

Request::~Request() { let_go(); }

int32_t Request::send(abi::Env* env, const abi::ArrayView& array, int64_t dest, int64_t tag) {
  Buffer buffer;
  if (const int32_t status = buffer.open_to_send(env, array)) {
    return status;
  }
  const Library& mpi = library();
  const int code =
      mpi.call.Isend(buffer.data(), buffer.count(), buffer.type().type, static_cast<int>(dest), static_cast<int>(tag), mpi.world, &handle_);
  block_ = buffer.take_copy();
  return check(env, code, "MPI_Isend");
}

int32_t Request::receive(abi::Env* env, const Buffer& buffer, int64_t source, int64_t tag) {
  const Library& mpi = library();
  type_ = buffer.type().type;
  units_ = buffer.type().units;
  receives_ = true;
  const int from = source == kAnySource ? mpi.any_source : static_cast<int>(source);
  return check(env, mpi.call.Irecv(buffer.data(), buffer.count(), type_, from, static_cast<int>(tag), mpi.world, &handle_), "MPI_Irecv");
}

void Request::keep(const abi::ArrayView& array) {
  if (block_ != nullptr || owner_ != nullptr || array.block == nullptr) {
    return;
  }
  if (array.block->owner != nullptr) {
    owner_ = array.block->owner;
    library().keep(owner_);
  } else {
    block_ = array.block;
    abi::hst_block_retain_atomic(block_);
  }
}

int32_t Request::test(abi::Env* env, bool* is_done, Arrival* arrival) {
  int flag = 0;
  MessageStatus status{};
  if (const int32_t failed = check(env, library().call.Test(&handle_, &flag, &status), receives_ ? "MPI_Recv" : "MPI_Send")) {
    return failed;
  }
  *is_done = flag != 0;
  if (*is_done) {
    let_go();
    describe(status, arrival);
  }
  return 0;
}

int32_t Request::wait(abi::Env* env, Arrival* arrival) {
  return wait_until(env, [&](bool* is_done) { return test(env, is_done, arrival); });
}

void Request::cancel() {
  MessageStatus status{};
  library().call.Cancel(&handle_);
  library().call.Wait(&handle_, &status);
}

void Request::describe(const MessageStatus& status, Arrival* arrival) const {
  if (!receives_) {
    return;
  }
  int from = -1;
  int count = 0;
  std::memcpy(&from, status.bytes + library().source_offset, sizeof from);
  library().call.Get_count(&status, type_, &count);
  *arrival = {from, count / units_};
}

void Request::let_go() {
  if (block_ != nullptr) {
    abi::hst_block_release_atomic(std::exchange(block_, nullptr));
  }
  if (owner_ != nullptr) {
    library().let_go(std::exchange(owner_, nullptr));
  }
}

int64_t remember(std::shared_ptr<Request> request) {
  Table& all = table();
  const std::lock_guard lock(all.mutex);
  all.requests.emplace(++all.last, std::move(request));
  return all.last;
}

std::shared_ptr<Request> request_of(int64_t number) {
  Table& all = table();
  const std::lock_guard lock(all.mutex);
  const auto found = all.requests.find(number);
  return found == all.requests.end() ? nullptr : found->second;
}

void forget(int64_t number) {
  std::shared_ptr<Request> last; // ends outside the lock
  Table& all = table();
  const std::lock_guard lock(all.mutex);
  const auto found = all.requests.find(number);
  if (found != all.requests.end()) {
    last = std::move(found->second);
    all.requests.erase(found);
  }
}

} // namespace hasten::mpi
