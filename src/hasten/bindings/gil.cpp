#include "hasten/bindings/gil.h"

#include <pthread.h>

namespace hasten::bindings {
namespace {

// Prefers the thread that forks, so that compilations in many threads don't keep it out.
constexpr pthread_rwlock_t kOpen = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
pthread_rwlock_t gate = kOpen;
thread_local bool is_inside = false;

void enter() {
  pthread_rwlock_rdlock(&gate);
  is_inside = true;
}

void leave() {
  is_inside = false;
  pthread_rwlock_unlock(&gate);
}

} // namespace

namespace fork_gate {

Inside::Inside() { enter(); }
Inside::~Inside() { leave(); }

Outside::Outside() : was_inside_(is_inside) {
  if (was_inside_) {
    leave();
  }
}

Outside::~Outside() {
  if (was_inside_) {
    enter();
  }
}

} // namespace fork_gate

void install_fork_gate() {
  pthread_atfork([] { pthread_rwlock_wrlock(&gate); }, [] { pthread_rwlock_unlock(&gate); }, [] { gate = kOpen; });
}

} // namespace hasten::bindings
