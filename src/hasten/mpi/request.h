// Transfers under way, by number.
#pragma once

#include <cstdint>
#include <memory>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/mpi/buffer.h"
#include "hasten/mpi/library.h"

namespace hasten::mpi {

// What came with a message.
struct Arrival {
  int64_t from = -1;
  int64_t items = 0;
};

// One transfer. Not for two threads at a time.
class Request {
public:
  Request() = default;
  ~Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // From here on the transfer is under way: the request must live until it is done or cancelled, and the memory as well.
  int32_t send(abi::Env* env, const abi::ArrayView& array, int64_t dest, int64_t tag);
  int32_t receive(abi::Env* env, const Buffer& buffer, int64_t source, int64_t tag);
  // Keeps the memory of an array that is sent or received until the transfer is done.
  void keep(const abi::ArrayView& array);

  // Whether it is done. *arrival is written where something was received.
  int32_t test(abi::Env* env, bool* is_done, Arrival* arrival);
  // Nonzero also where the thread was interrupted; then the transfer is still under way.
  int32_t wait(abi::Env* env, Arrival* arrival);
  // Takes a receipt back.
  void cancel();

private:
  void describe(const MessageStatus& status, Arrival* arrival) const;
  void let_go();

  Handle handle_ = 0;
  Handle type_ = 0;
  int units_ = 1; // of `type_` in an item
  bool receives_ = false;
  abi::Block* block_ = nullptr; // counted
  void* owner_ = nullptr;       // a Python object that is kept
};

// ---- requests that compiled code knows by number

int64_t remember(std::shared_ptr<Request> request);
// Null where there is none by this number, or none any more.
std::shared_ptr<Request> request_of(int64_t number);
void forget(int64_t number);

} // namespace hasten::mpi
