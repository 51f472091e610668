// The functions that workers can run, by name. Filled before main(), and by libraries that are loaded later.
#pragma once

#include <optional>
#include <string>

#include "hasten/process_pool.h"

namespace hasten::detail {

struct RegisteredTask {
  AnyFunction function;
  TaskHandler handler;
};

std::optional<RegisteredTask> find_task(const std::string& name);
// Throws Error where the function isn't registered.
std::string name_of_task(AnyFunction function);

} // namespace hasten::detail
