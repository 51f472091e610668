// The MPI library that the program runs under. Nothing here is linked with one, or built against the headers of one: whoever starts MPI
// hands over where its functions lie, and what its handles are. So compiled code is the same under every MPI.
//
// A handle is an int in MPICH and a pointer in Open MPI. Both are passed as 64 bits: where an int is wanted, the function looks at the low
// half of the register or of the place on the stack.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

namespace hasten::mpi {

using Handle = uintptr_t;

// Room for an MPI_Status of any library.
struct alignas(16) MessageStatus {
  char bytes[64];
};

struct Functions {
#define HASTEN_MPI_FUNCTION(result, name, arguments) result(*name) arguments = nullptr;
#include "hasten/mpi/functions.def"
#undef HASTEN_MPI_FUNCTION
};

// How values are combined; `kLogical…` on bools.
enum class Combine : int64_t { kSum, kProd, kMin, kMax, kAnd, kOr, kXor, kLogicalAnd, kLogicalOr, kLogicalXor };
constexpr int kCombineCount = 10;

constexpr int kTypeCount = 24; // of abi::TypeNum
constexpr int64_t kAnySource = -1;

struct Library {
  Functions call;
  int rank = 0;
  int size = 1;
  Handle world = 0;
  Handle byte = 0;
  Handle types[kTypeCount] = {}; // by abi::TypeNum; 0: MPI has no such type
  Handle combine[kCombineCount] = {};
  int any_source = 0;
  int source_offset = 0; // of MPI_SOURCE in an MPI_Status
  bool any_thread = false;
  // Keeps the memory of a Python object, and lets go of it. Without the GIL.
  void (*keep)(void* owner) = nullptr;
  void (*let_go)(void* owner) = nullptr;
  // Tells the other ranks that this one makes a collective call.
  void (*announce_collective)() = nullptr;
};

// Once, before compiled code that calls MPI is run.
void set_library(const Library& library);
bool has_library();
const Library& library();

// ---- the count of collective calls, compiled or not

// Counts one; true where the other ranks must be told of it first.
bool begin_collective();
int64_t collective_calls();
// The next collective call must be announced.
void owe_announcement();

// ---- helpers of the kernels; a Status other than 0 is an error that is described in `env`

// Whether MPI may be called in this thread.
int32_t check_thread(abi::Env* env);
int32_t check(abi::Env* env, int code, const char* function);
int32_t check_rank(abi::Env* env, int64_t rank, const char* argument);
// The rest of begin_collective() for compiled code.
int32_t enter_collective(abi::Env* env);

} // namespace hasten::mpi
