// What a piece of compiled code is known by in the cache on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hasten/base/digest.h"

namespace hasten::bindings {

enum class Asked : uint8_t { kName, kModuleAttribute, kAttribute };

// One question, in words that another process understands.
struct Question {
  Asked what = Asked::kName;
  uint32_t owner = 0; // kName: the function, by its index in Questions; kAttribute: the question whose answer the owner was
  std::string module; // kModuleAttribute
  std::string name;

  bool operator==(const Question&) const = default;
};

// All questions, in order. Function 0 is the one that is compiled; of the others, `origins` tells which question they were the answer to.
struct Questions {
  std::vector<Question> asked;
  std::vector<uint32_t> origins;

  bool operator==(const Questions&) const = default;
};

struct CacheEntry {
  base::Digest place;  // of the function, the types and the options: where the questions lie
  Questions questions; // that its compilation asked
  base::Digest unit;   // where the code lies: of all that and of the answers
};

} // namespace hasten::bindings
