#include "hasten/mpi/messages.h"

#include <memory>
#include <utility>
#include <vector>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/views.h"
#include "hasten/mpi/buffer.h"
#include "hasten/mpi/patience.h"
#include "hasten/mpi/request.h"

namespace hasten::mpi {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ErrorKind;

constexpr int64_t kMostTag = 32767; // what every library allows

// Whether a wait was broken off, and its transfer is still under way.
bool is_interruption(int32_t status) { return status != 0 && status != static_cast<int32_t>(abi::Status::kRuntimeError); }

int32_t check_tag(Env* env, int64_t tag) {
  if (tag >= 0 && tag <= kMostTag) {
    return 0;
  }
  return static_cast<int32_t>(fail(env, ErrorKind::kValueError, "tag=%lld: tags are numbers from 0 to %lld", static_cast<long long>(tag),
                                   static_cast<long long>(kMostTag)));
}

int32_t check_call(Env* env, int64_t rank, const char* argument, int64_t tag) {
  if (const int32_t status = check_thread(env)) {
    return status;
  }
  if (const int32_t status = check_tag(env, tag)) {
    return status;
  }
  const bool is_any = rank == kAnySource && argument[0] == 's';
  return is_any ? 0 : check_rank(env, rank, argument);
}

int32_t begin_send(Env* env, Request* request, const ArrayView& array, int64_t dest, int64_t tag) {
  if (const int32_t status = check_call(env, dest, "dest", tag)) {
    return status;
  }
  return request->send(env, array, dest, tag);
}

// MPI still reads the memory of a message that was not sent when its sender was interrupted: it is kept for good.
int32_t end_send(Env* env, std::shared_ptr<Request> request, const ArrayView& array) {
  Arrival nothing;
  const int32_t status = request->wait(env, &nothing);
  if (is_interruption(status)) {
    request->keep(array);
    remember(std::move(request));
  }
  return status;
}

// A receipt into an array, whatever its layout.
class Receipt {
public:
  int32_t begin(Env* env, const ArrayView& array, int64_t source, int64_t tag) {
    if (const int32_t status = check_call(env, source, "source", tag)) {
      return status;
    }
    // What the message doesn't fill stays as it was.
    if (const int32_t status = buffer_.open_to_send(env, array)) {
      return status;
    }
    return request_.receive(env, buffer_, source, tag);
  }

  int32_t end(Env* env, const ArrayView& array, int64_t* from, int64_t* items) {
    Arrival arrival;
    const int32_t status = request_.wait(env, &arrival);
    if (is_interruption(status)) {
      request_.cancel();
    }
    if (status != 0) {
      return status;
    }
    buffer_.write_back(array);
    *from = arrival.from;
    *items = arrival.items;
    return 0;
  }

  void cancel() { request_.cancel(); }

private:
  Buffer buffer_;
  Request request_;
};

int64_t number_at(const ArrayView& requests, int64_t index) {
  return *reinterpret_cast<const int64_t*>(requests.data + index * requests.strides[0]);
}

// Tests requests in turn until `visit(index, is_done)` says that this is enough.
template <typename Visit> int32_t test_each(Env* env, const ArrayView& requests, Visit visit) {
  for (int64_t i = 0; i < requests.shape[0]; ++i) {
    const int64_t number = number_at(requests, i);
    const std::shared_ptr<Request> request = request_of(number);
    if (request == nullptr) {
      continue;
    }
    bool is_done = false;
    Arrival arrival;
    if (const int32_t status = request->test(env, &is_done, &arrival)) {
      forget(number);
      return status;
    }
    if (is_done) {
      forget(number);
    }
    if (visit(i, is_done)) {
      break;
    }
  }
  return 0;
}

// *left: whether any was under way. *index: the first that has got done, or -1.
int32_t test_any(Env* env, const ArrayView& requests, int64_t* index, bool* left) {
  *index = -1;
  *left = false;
  return test_each(env, requests, [&](int64_t i, bool is_done) {
    *left = true;
    *index = is_done ? i : -1;
    return is_done;
  });
}

int32_t test_all(Env* env, const ArrayView& requests, bool* are_done) {
  *are_done = true;
  return test_each(env, requests, [&](int64_t, bool is_done) {
    *are_done = *are_done && is_done;
    return false;
  });
}

} // namespace
} // namespace hasten::mpi

using namespace hasten::mpi;

extern "C" {

int32_t hst_mpi_send(Env* env, const ArrayView* array, int64_t dest, int64_t tag) {
  auto request = std::make_shared<Request>();
  if (const int32_t status = begin_send(env, request.get(), *array, dest, tag)) {
    return status;
  }
  return end_send(env, std::move(request), *array);
}

int32_t hst_mpi_recv(Env* env, int64_t* from, int64_t* items, const ArrayView* array, int64_t source, int64_t tag) {
  Receipt receipt;
  if (const int32_t status = receipt.begin(env, *array, source, tag)) {
    return status;
  }
  return receipt.end(env, *array, from, items);
}

int32_t hst_mpi_sendrecv(Env* env, int64_t* from, int64_t* items, const ArrayView* sent, int64_t dest, const ArrayView* received,
                         int64_t source, int64_t tag) {
  Receipt receipt;
  if (const int32_t status = receipt.begin(env, *received, source, tag)) {
    return status;
  }
  if (const int32_t status = hst_mpi_send(env, sent, dest, tag)) {
    receipt.cancel();
    return status;
  }
  return receipt.end(env, *received, from, items);
}

int32_t hst_mpi_isend(Env* env, int64_t* number, const ArrayView* array, int64_t dest, int64_t tag) {
  auto request = std::make_shared<Request>();
  if (const int32_t status = begin_send(env, request.get(), *array, dest, tag)) {
    return status;
  }
  request->keep(*array);
  *number = remember(std::move(request));
  return 0;
}

int32_t hst_mpi_irecv(Env* env, int64_t* number, const ArrayView* array, int64_t source, int64_t tag) {
  if (!hasten::array::is_c_contiguous(*array, hasten::array::item_bytes(array->dtype))) {
    return static_cast<int32_t>(
        fail(env, ErrorKind::kValueError, "irecv() fills arrays in C order only; receive into another array and copy, or use recv()"));
  }
  if (const int32_t status = check_call(env, source, "source", tag)) {
    return status;
  }
  Buffer buffer;
  if (const int32_t status = buffer.open_to_receive(env, *array)) {
    return status;
  }
  auto request = std::make_shared<Request>();
  if (const int32_t status = request->receive(env, buffer, source, tag)) {
    return status;
  }
  request->keep(*array);
  *number = remember(std::move(request));
  return 0;
}

int32_t hst_mpi_wait(Env* env, int64_t* from, int64_t* items, int64_t number) {
  Arrival arrival;
  if (const std::shared_ptr<Request> request = request_of(number)) {
    const int32_t status = request->wait(env, &arrival);
    if (!is_interruption(status)) {
      forget(number);
    }
    if (status != 0) {
      return status;
    }
  }
  *from = arrival.from;
  *items = arrival.items;
  return 0;
}

int32_t hst_mpi_waitall(Env* env, const ArrayView* requests) {
  return wait_until(env, [&](bool* is_done) { return test_all(env, *requests, is_done); });
}

int32_t hst_mpi_waitany(Env* env, int64_t* index, const ArrayView* requests) {
  return wait_until(env, [&](bool* is_done) {
    bool left = false;
    const int32_t status = test_any(env, *requests, index, &left);
    *is_done = !left || *index >= 0;
    return status;
  });
}

int32_t hst_mpi_test(Env* env, int8_t* is_done, int64_t number) {
  const int64_t one = 1;
  int64_t stride = sizeof number;
  ArrayView requests{nullptr, reinterpret_cast<char*>(&number), const_cast<int64_t*>(&one), &stride, 1, hasten::abi::TypeNum::kInt64};
  return hst_mpi_testall(env, is_done, &requests);
}

int32_t hst_mpi_testall(Env* env, int8_t* are_done, const ArrayView* requests) {
  bool done = false;
  const int32_t status = test_all(env, *requests, &done);
  *are_done = done ? 1 : 0;
  return status;
}

int32_t hst_mpi_testany(Env* env, int64_t* index, const ArrayView* requests) {
  bool left = false;
  return test_any(env, *requests, index, &left);
}
}
