// The names that generated code may refer to. The public part is in session.h.
#pragma once

namespace hasten::jit {

// In a child of fork: a lock that another thread held is not waited for.
void forget_symbol_lock_after_fork();

} // namespace hasten::jit
