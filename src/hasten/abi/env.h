// The context of one native call. It lies on the stack of the caller and is passed to every compiled function and kernel.
#pragma once

#include <cstdint>

#include "hasten/abi/status.h"

namespace hasten::abi {

constexpr int kPayloadSlots = 64; // 64-bit slots for the arguments of a raise
constexpr int kMessageBytes = 512;
constexpr int kTraceDepth = 32;

struct Env {
  int32_t fuel = 0;      // polls left before hst_poll is called; generated code decrements it
  int32_t refill = 8;    // what hst_poll refills `fuel` with; adapts to about 10 ms between calls
  int64_t last_poll = 0; // steady clock, ns
  int32_t site = -1;     // raise site, an index into the unit's table (Status::kRaise)
  ErrorKind error = ErrorKind::kNone;
  int32_t trace_count = 0;
  int32_t trace[kTraceDepth];         // location indices of the unit, innermost first: where the error passed through
  uint32_t flags = 0;                 // EnvFlags
  void* cancel = nullptr;             // std::atomic<int32_t>* shared by the threads of a parallel loop: nonzero means stop
  const uint64_t* bindings = nullptr; // slots of the unit's arrays and channels, one after the other (ir::Module::bindings)
  int64_t stack_limit = 0;            // lowest address that recursion may reach; 0: unchecked
  uint64_t payload[kPayloadSlots];
  char message[kMessageBytes];
};

enum EnvFlags : uint32_t {
  kHoldsGil = 1,   // the calling thread holds the GIL
  kMainThread = 2, // Python signals are handled in this thread
};

// Fills in error and message (printf style) and returns Status::kRuntimeError.
Status fail(Env* env, ErrorKind kind, const char* format, ...) __attribute__((format(printf, 3, 4)));

// What hst_poll calls on a thread with kMainThread, about every 10 ms: takes the GIL where the flags lack kHoldsGil, lets Python handle its
// signals, and returns a Status (kPythonError: a handler raised). The bindings register it once. Null: nothing is called.
using PollHook = int32_t (*)(Env* env);
void set_poll_hook(PollHook hook);

} // namespace hasten::abi

extern "C" {
// Slow path of a poll: refills the fuel; on the main thread lets Python handle signals. Nonzero: stop and return it.
int32_t hst_poll(hasten::abi::Env* env);
// Records that an error passed `location`. Cold.
void hst_trace(hasten::abi::Env* env, int32_t location);
// Cold failures of generated code; each returns Status::kRuntimeError.
int32_t hst_raise_index(hasten::abi::Env* env, int64_t index, int64_t axis, int64_t size);
int32_t hst_raise_builtin(hasten::abi::Env* env, int32_t kind, const char* message);
}
