#include "hasten/library/registry.h"

#include <map>
#include <mutex>

namespace hasten::detail {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, RegisteredTask> tasks;
  std::map<AnyFunction, std::string, std::less<>> names;
};

Registry& registry() {
  static auto& all = *new Registry; // used before and after the life of static objects
  return all;
}

} // namespace

Registration::Registration(const std::string& name, AnyFunction function, TaskHandler handler) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto [place, is_new] = all.tasks.try_emplace(name, RegisteredTask{function, handler});
  if (!is_new && place->second.function != function) {
    throw Error("two functions are registered as the task '" + name + "': name one of them by HASTEN_TASK_AS(\"another name\", function)");
  }
  all.names.try_emplace(function, name);
}

std::optional<RegisteredTask> find_task(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.tasks.find(name);
  return found == all.tasks.end() ? std::nullopt : std::optional(found->second);
}

std::string name_of_task(AnyFunction function) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.names.find(function);
  if (found == all.names.end()) {
    throw Error("this function is not known to worker processes: write HASTEN_TASK(function); at namespace scope");
  }
  return found->second;
}

} // namespace hasten::detail
