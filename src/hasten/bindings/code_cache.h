// Compiled code on disk, in two steps. Under the digest of the function's own code, the types and the options lie the questions that its
// compilation asked of Python (which globals, which attributes). Under that digest and the answers that there are now lies the unit. So
// nothing is read but two small files, and code is never used where a value is another than the one that it was compiled for.
//
// Needs the GIL but where said otherwise.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "hasten/base/digest.h"
#include "hasten/bindings/engine.h"
#include "hasten/bindings/recorder.h"
#include "hasten/compiler/compile.h"

namespace hasten::bindings {

// A unit from the cache, and the Host that was asked its questions.
struct CachedUnit {
  compiler::Unit unit;
  std::unique_ptr<RecordingHost> host;
};

// The place of one job in the cache.
class CachePlace {
public:
  // No place where the job is not to be cached, or its function can't be told from others in another process.
  static std::optional<CachePlace> of(const Job& job, const llvm_backend::EmitOptions& emit);

  // Nothing where there is no such unit. Lets go of the GIL while files are read.
  std::optional<CachedUnit> load(infer::Handle function) const;
  // Does nothing where the unit, or an answer that it rests on, can't be told to another process. Lets go of the GIL while files are
  // written.
  void store(const compiler::Unit& unit, const RecordingHost& host) const;

private:
  explicit CachePlace(const base::Digest& key) : key_(key) {}

  std::vector<Questions> known_questions() const; // without the GIL
  base::Digest unit_key(const Questions& questions, const base::Digest& answers) const;

  base::Digest key_;
};

} // namespace hasten::bindings
