// Compiled code on disk, in two steps. Under the digest of the function's own code, the types and the options lie the questions that its
// compilation asked of Python (which globals, which attributes). Under that digest and the answers that there are now lies the unit. So
// nothing is read but two small files, and code is never used where a value is another than the one that it was compiled for.
//
// Needs the GIL but where said otherwise.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  CacheEntry entry;
};

// The place of one job in the cache.
class CachePlace {
public:
  // No place where the job is not to be cached, or its function can't be told from others in another process.
  static std::optional<CachePlace> of(const Job& job, const llvm_backend::EmitOptions& emit);

  // Nothing where there is no such unit. Lets go of the GIL while files are read.
  std::optional<CachedUnit> load(infer::Handle function) const;
  // Nothing where the unit, or an answer that it rests on, can't be told to another process, or where files can't be written. Lets go of
  // the GIL meanwhile.
  std::optional<CacheEntry> store(const compiler::Unit& unit, const RecordingHost& host) const;

private:
  explicit CachePlace(std::vector<base::Digest> keys) : keys_(std::move(keys)) {}

  // Under one of the keys.
  std::optional<CachedUnit> load(const base::Digest& key, infer::Handle function) const;

  std::vector<base::Digest> keys_; // of the places where its code may lie; new code goes to the first
};

// ---- code on its way to another process; these let go of the GIL while files are read and written

// The code of an entry, and what it is known by. Nothing where it is no longer there.
std::optional<std::string> export_code(const CacheEntry& entry);
// Puts what export_code gave into this process's cache: on disk or, where that can't be written, into memory. An engine of another kind
// never looks at it. False where the bytes are none of export_code's.
bool import_code(std::string_view bytes);

} // namespace hasten::bindings
