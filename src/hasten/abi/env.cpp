#include "hasten/abi/env.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace hasten::abi {
namespace {

constexpr int64_t kPollInterval = 10'000'000; // ns
constexpr int32_t kMostFuel = 1 << 14;        // bounds the delay where the polled work suddenly gets slower

std::atomic<PollHook> poll_hook{nullptr};

int64_t steady_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The refill after `elapsed` ns since signals were looked at: doubled while that was too soon, cut down where it was too late.
int32_t adapted(int32_t refill, int64_t elapsed) {
  if (elapsed < kPollInterval / 2) {
    return std::min(refill * 2, kMostFuel);
  }
  if (elapsed > kPollInterval * 2) {
    return static_cast<int32_t>(std::max<int64_t>(1, refill * kPollInterval / elapsed));
  }
  return refill;
}

} // namespace

Status fail(Env* env, ErrorKind kind, const char* format, ...) {
  env->error = kind;
  env->trace_count = 0;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(env->message, sizeof env->message, format, arguments);
  va_end(arguments);
  return Status::kRuntimeError;
}

void set_poll_hook(PollHook hook) { poll_hook.store(hook, std::memory_order_release); }

} // namespace hasten::abi

using namespace hasten::abi;

extern "C" {

int32_t hst_poll(Env* env) {
  if (env->cancel != nullptr && static_cast<std::atomic<int32_t>*>(env->cancel)->load(std::memory_order_relaxed) != 0) {
    return static_cast<int32_t>(Status::kCancelled);
  }
  const int64_t now = steady_now();
  if (env->last_poll == 0) {
    env->last_poll = now;
    env->fuel = env->refill;
    return 0;
  }
  const int64_t elapsed = now - env->last_poll;
  env->refill = adapted(env->refill, elapsed);
  env->fuel = env->refill;
  if (elapsed < kPollInterval / 2) {
    return 0;
  }
  env->last_poll = now;
  const PollHook hook = poll_hook.load(std::memory_order_acquire);
  return hook != nullptr && (env->flags & kMainThread) != 0 ? hook(env) : 0;
}

void hst_trace(Env* env, int32_t location) {
  if (env->trace_count < kTraceDepth) {
    env->trace[env->trace_count++] = location;
  }
}

int32_t hst_raise_index(Env* env, int64_t index, int64_t axis, int64_t size) {
  return static_cast<int32_t>(fail(env, ErrorKind::kIndexError, "index %lld is out of bounds for axis %lld with size %lld",
                                   static_cast<long long>(index), static_cast<long long>(axis), static_cast<long long>(size)));
}

int32_t hst_raise_builtin(Env* env, int32_t kind, const char* message) {
  return static_cast<int32_t>(fail(env, static_cast<ErrorKind>(kind), "%s", message));
}
}
