// Loops that rules emit themselves.
#pragma once

#include <functional>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

// acc = start; for position in 0 .. count: acc = step(acc, position). The type of the result holds all that acc becomes.
Value fold_loop(Emitter& e, const Value& count, const Value& start,
                const std::function<Value(Emitter&, const Value& acc, const Value& position)>& step);

} // namespace hasten::infer
