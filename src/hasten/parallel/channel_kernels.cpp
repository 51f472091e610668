// What compiled code calls of channels (abi/channel.h).
#include <algorithm>
#include <atomic>
#include <bit>

#include "hasten/abi/channel.h"
#include "hasten/parallel/clock.h"
#include "hasten/parallel/value_channel.h"

namespace hasten::parallel {
namespace {

using abi::Env;
using abi::ErrorKind;
using End = ValueChannel::End;
using Item = ValueChannel::Item;

constexpr int64_t kLook = 10'000'000; // ns between two looks at whether another thread of a parallel loop has failed

ValueChannel& at(int64_t channel) { return *reinterpret_cast<ValueChannel*>(channel); }

int64_t deadline_of(double timeout) {
  constexpr double kLongest = 1e9;
  if (timeout == 0) {
    return 0;
  }
  return timeout < 0 || timeout > kLongest ? kForever : steady_now() + static_cast<int64_t>(timeout * 1e9);
}

// Lets Python handle signals now, and looks whether the loop is cancelled.
int32_t look(Env* env) {
  env->last_poll = 1;
  return hst_poll(env);
}

// Tries until the deadline, in pieces where somebody may cancel the loop that this is part of. `wait` gets a deadline. Nonzero: stop.
template <typename Wait> int32_t in_pieces(Env* env, int64_t deadline, End* end, Wait wait) {
  for (;;) {
    const int64_t piece = env->cancel != nullptr && deadline != 0 ? std::min(deadline, steady_now() + kLook) : deadline;
    *end = wait(piece);
    const bool is_piece = *end == End::kTimedOut && piece != deadline;
    if (*end != End::kInterrupted && !is_piece) {
      return 0;
    }
    if (const int32_t status = look(env)) {
      return status;
    }
  }
}

int32_t failure(Env* env, End end, const char* method) {
  switch (end) {
  case End::kDone:
    return 0;
  case End::kClosed:
    return static_cast<int32_t>(
        fail(env, ErrorKind::kChannelClosed, method[0] == 'p' ? "%s() on a closed channel" : "%s() on a closed and empty channel", method));
  case End::kNoMemory:
    return static_cast<int32_t>(fail(env, ErrorKind::kMemoryError, "no memory for an item of a channel"));
  default:
    return static_cast<int32_t>(fail(env, method[0] == 'p' ? ErrorKind::kQueueFull : ErrorKind::kQueueEmpty, "%s", ""));
  }
}

int32_t put(Env* env, ValueChannel& channel, const Item& item, double timeout) {
  End end = End::kDone;
  const int32_t status = in_pieces(env, deadline_of(timeout), &end, [&](int64_t deadline) { return channel.put(item, deadline); });
  if (status != 0 || end != End::kDone) {
    channel.drop(item);
  }
  return status != 0 ? status : failure(env, end, "put");
}

int32_t put_number(Env* env, int64_t channel, uint64_t first, uint64_t second, double timeout) {
  return put(env, at(channel), {{first, second}, at(channel).type().item_bytes}, timeout);
}

int32_t get(Env* env, int64_t channel, Item* item, double timeout) {
  End end = End::kDone;
  const int32_t status = in_pieces(env, deadline_of(timeout), &end, [&](int64_t deadline) { return at(channel).get(item, deadline); });
  return status != 0 ? status : failure(env, end, "get");
}

int32_t next(Env* env, int64_t channel, Item* item, int8_t* found) {
  End end = End::kDone;
  const int32_t status = in_pieces(env, kForever, &end, [&](int64_t deadline) { return at(channel).get(item, deadline); });
  *found = end == End::kDone ? 1 : 0;
  return status;
}

void read_int(int64_t, const Item& item, int64_t* value) { *value = static_cast<int64_t>(item.words[0]); }
void read_float(int64_t, const Item& item, double* value) { *value = std::bit_cast<double>(item.words[0]); }
void read_complex(int64_t, const Item& item, double* value) {
  value[0] = std::bit_cast<double>(item.words[0]);
  value[1] = std::bit_cast<double>(item.words[1]);
}
void read_array(int64_t channel, const Item& item, abi::ArrayView* view) {
  if (item.words[0] != 0) {
    at(channel).open(item, view);
    return;
  }
  view->block = nullptr;
  view->data = nullptr;
  std::fill_n(view->shape, view->ndim, 0);
  std::fill_n(view->strides, view->ndim, 0);
}

template <typename Value, typename Read> int32_t get_value(Env* env, Value* value, int64_t channel, double timeout, Read read) {
  Item item{};
  const int32_t status = get(env, channel, &item, timeout);
  if (status == 0) {
    read(channel, item, value);
  }
  return status;
}

template <typename Value, typename Read> int32_t next_value(Env* env, int8_t* found, Value* value, int64_t channel, Read read) {
  Item item{};
  const int32_t status = next(env, channel, &item, found);
  if (status == 0) {
    read(channel, item, value);
  }
  return status;
}

} // namespace
} // namespace hasten::parallel

using namespace hasten::parallel;
using hasten::abi::ArrayView;
using hasten::abi::Env;

extern "C" {

int32_t hst_channel_put_int(Env* env, int64_t channel, int64_t value, double timeout) {
  return put_number(env, channel, static_cast<uint64_t>(value), 0, timeout);
}

int32_t hst_channel_put_float(Env* env, int64_t channel, double value, double timeout) {
  return put_number(env, channel, std::bit_cast<uint64_t>(value), 0, timeout);
}

int32_t hst_channel_put_complex(Env* env, int64_t channel, double real, double imag, double timeout) {
  return put_number(env, channel, std::bit_cast<uint64_t>(real), std::bit_cast<uint64_t>(imag), timeout);
}

int32_t hst_channel_put_array(Env* env, int64_t channel, const ArrayView* array, double timeout) {
  Item item{};
  if (!at(channel).copied(*array, &item)) {
    return failure(env, End::kNoMemory, "put");
  }
  return put(env, at(channel), item, timeout);
}

int32_t hst_channel_get_int(Env* env, int64_t* value, int64_t channel, double timeout) {
  return get_value(env, value, channel, timeout, read_int);
}

int32_t hst_channel_get_float(Env* env, double* value, int64_t channel, double timeout) {
  return get_value(env, value, channel, timeout, read_float);
}

int32_t hst_channel_get_complex(Env* env, double* value, int64_t channel, double timeout) {
  return get_value(env, value, channel, timeout, read_complex);
}

int32_t hst_channel_get_array(Env* env, ArrayView* array, int64_t channel, double timeout) {
  return get_value(env, array, channel, timeout, read_array);
}

int32_t hst_channel_next_int(Env* env, int8_t* found, int64_t* value, int64_t channel) {
  return next_value(env, found, value, channel, read_int);
}

int32_t hst_channel_next_float(Env* env, int8_t* found, double* value, int64_t channel) {
  return next_value(env, found, value, channel, read_float);
}

int32_t hst_channel_next_complex(Env* env, int8_t* found, double* value, int64_t channel) {
  return next_value(env, found, value, channel, read_complex);
}

int32_t hst_channel_next_array(Env* env, int8_t* found, ArrayView* array, int64_t channel) {
  return next_value(env, found, array, channel, read_array);
}

int32_t hst_channel_close(Env*, int64_t channel, int8_t discard) {
  at(channel).close(discard != 0);
  return 0;
}

int32_t hst_channel_size(Env*, int64_t* size, int64_t channel) {
  *size = at(channel).size();
  return 0;
}

int32_t hst_channel_closed(Env*, int8_t* is_closed, int64_t channel) {
  *is_closed = at(channel).is_closed() ? 1 : 0;
  return 0;
}
}
