#include "hasten/library/worker_process.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <iostream>
#include <memory>
#include <typeinfo>
#include <unistd.h>
#include <utility>

#include "hasten/base/log.h"
#include "hasten/bytes.h"
#include "hasten/library/registry.h"
#include "hasten/pool/worker_lane.h"

namespace hasten::detail {
namespace {

constexpr int64_t kPatience = 1'000'000'000;

// Of the exception that is being handled.
std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    return "unknown";
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type->name();
}

Failure current_failure() {
  try {
    throw;
  } catch (const std::exception& error) {
    return {current_type(), error.what()};
  } catch (...) {
    return {current_type(), "an exception that is no std::exception"};
  }
}

struct Outcome {
  Tag tag;
  std::string bytes;
};

Outcome run_item(const Payload& payload, const std::string& arguments) {
  try {
    const auto task = find_task(payload.function);
    if (!task) {
      throw Error("no worker knows the task '" + payload.function + "': it was registered after the pool was made");
    }
    Reader reader(arguments);
    return {Tag::kResult, task->handler(task->function, reader)};
  } catch (...) {
    return {Tag::kFailure, current_failure().encoded()};
  }
}

Payload read_payload(pool::WorkerLane& lane) {
  std::string bytes(lane.payload_size(), '\0');
  for (size_t done = 0; done < bytes.size();) {
    done += lane.read_payload(bytes.data() + done, bytes.size() - done);
  }
  Reader reader(bytes);
  auto function = reader.get<std::string>();
  return {std::move(function), reader.get<std::vector<std::string>>()};
}

// False where the parent is about to kill this process.
bool send(pool::WorkerLane& lane, const Outcome& outcome) {
  using Sent = pool::WorkerLane::Sent;
  size_t sent = 0;
  Sent state = Sent::kAgain;
  while (state == Sent::kAgain) {
    state = lane.send(static_cast<uint8_t>(outcome.tag), outcome.bytes.data(), outcome.bytes.size(), &sent);
  }
  return state == Sent::kDone;
}

void serve(pool::WorkerLane& lane) {
  using Found = pool::WorkerLane::Found;
  for (Found found = lane.take(kPatience); found != Found::kStop; found = lane.take(kPatience)) {
    if (found == Found::kNothing) {
      continue;
    }
    const Payload payload = read_payload(lane);
    while (lane.item() < lane.end()) {
      if (!send(lane, run_item(payload, payload.arguments.at(lane.item())))) {
        pause();
      }
    }
  }
}

} // namespace

std::string Payload::encoded() const {
  Writer writer;
  writer.put(function);
  writer.put(arguments);
  return writer.take();
}

std::string Failure::encoded() const { return encode(std::pair(type, what)); }

Failure Failure::decoded(std::string_view bytes) {
  auto [type, what] = decode<std::pair<std::string, std::string>>(bytes);
  return {std::move(type), std::move(what)};
}

void run_worker(WorkerEnds ends, const std::function<void()>& initializer) {
  int status = EXIT_SUCCESS;
  try {
    if (initializer) {
      initializer();
    }
    pool::WorkerLane lane(std::move(ends.lane), std::move(ends.bell), ends.most_tasks);
    serve(lane);
  } catch (...) {
    const Failure failure = current_failure();
    base::log(base::LogLevel::kError, "a worker process can't go on: " + failure.type + ": " + failure.what);
    status = EXIT_FAILURE;
  }
  // Static objects are the parent's to destroy; what the tasks printed is this process's.
  std::cout.flush();
  std::fflush(nullptr);
  _exit(status);
}

} // namespace hasten::detail
