#include "hasten/bindings/code_cache.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "hasten/bindings/byte_stream.h"
#include "hasten/bindings/engine_identity.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/host_values.h"
#include "hasten/bindings/made_once.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/unit_codec.h"
#include "hasten/bindings/value_digest.h"
#include "hasten/memo/disk_store.h"

namespace hasten::bindings {
namespace {

constexpr size_t kMostQuestionLists = 8; // of one function: which questions are asked may depend on the answers

// The directory is asked for once: it must not change under a running program.
memo::DiskStore& store_on_disk() {
  static constinit MadeOnce<memo::DiskStore> store;
  return store.get([] {
    const nb::object directory = nb::module_::import_("hasten._cache_directory").attr("cache_directory_name")();
    return std::make_unique<memo::DiskStore>(nb::str(directory).c_str());
  });
}

// What was brought from elsewhere, and the disk did not take.
struct Imported {
  static constexpr size_t kMostBytes = size_t{64} << 20;

  std::mutex mutex;
  std::map<base::Digest, std::string> entries;
  size_t bytes = 0;
};

Imported& imported() {
  static auto* const kImported = new Imported;
  return *kImported;
}

std::optional<std::string> read(const base::Digest& key) {
  if (auto bytes = store_on_disk().get(key)) {
    return bytes;
  }
  Imported& memory = imported();
  const std::lock_guard lock(memory.mutex);
  const auto found = memory.entries.find(key);
  return found == memory.entries.end() ? std::nullopt : std::optional(found->second);
}

void write_anywhere(const base::Digest& key, const std::string& bytes) {
  if (store_on_disk().put(key, bytes)) {
    return;
  }
  Imported& memory = imported();
  const std::lock_guard lock(memory.mutex);
  if (memory.bytes + bytes.size() <= Imported::kMostBytes) {
    memory.bytes += bytes.size();
    memory.entries.insert_or_assign(key, bytes);
  }
}

std::string encode_questions(const std::vector<Questions>& lists) {
  ByteWriter out;
  out.put(uint64_t{lists.size()});
  for (const auto& [asked, origins] : lists) {
    out.put(uint64_t{asked.size()});
    for (const auto& [what, owner, module, name] : asked) {
      out.put(static_cast<uint64_t>(what));
      out.put(uint64_t{owner});
      out.put(module);
      out.put(name);
    }
    out.put(uint64_t{origins.size()});
    for (const uint32_t origin : origins) {
      out.put(uint64_t{origin});
    }
  }
  return out.take();
}

std::vector<Questions> decode_questions(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<Questions> lists;
  for (uint64_t left = in.count(); left > 0 && in.is_good(); --left) {
    Questions& list = lists.emplace_back();
    for (uint64_t questions = in.count(); questions > 0 && in.is_good(); --questions) {
      const auto what = static_cast<Asked>(in.number());
      const auto owner = static_cast<uint32_t>(in.number());
      std::string module = in.text();
      list.asked.push_back({what, owner, std::move(module), in.text()});
    }
    for (uint64_t origins = in.count(); origins > 0 && in.is_good(); --origins) {
      list.origins.push_back(static_cast<uint32_t>(in.number()));
    }
  }
  return in.is_at_end() ? lists : std::vector<Questions>();
}

std::vector<Questions> questions_at(const base::Digest& place) {
  const std::optional<std::string> bytes = read(place);
  return bytes ? decode_questions(*bytes) : std::vector<Questions>();
}

// The questions of a place with these among them; nothing where they are among them already.
std::optional<std::string> with_questions(const base::Digest& place, const Questions& questions) {
  std::vector<Questions> lists = questions_at(place);
  if (std::find(lists.begin(), lists.end(), questions) != lists.end()) {
    return std::nullopt;
  }
  lists.insert(lists.begin(), questions);
  lists.resize(std::min(lists.size(), kMostQuestionLists));
  return encode_questions(lists);
}

base::Digest unit_key(const base::Digest& place, const Questions& questions, const base::Digest& answers) {
  return base::FieldHasher().add(place).add(encode_questions({questions})).add(answers).finish();
}

std::string_view text_of(const base::Digest& digest) { return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()}; }

bool read_digest(ByteReader* in, base::Digest* digest) {
  const std::string bytes = in->text();
  if (bytes.size() != digest->bytes.size()) {
    return false;
  }
  std::copy(bytes.begin(), bytes.end(), digest->bytes.begin());
  return true;
}

void add_emit_options(const llvm_backend::EmitOptions& emit, base::FieldHasher* hash) {
  const auto& [want_llvm, want_assembly, optimization, loop, core_dimensions, outputs] = emit;
  hash->add(uint64_t{want_llvm}).add(uint64_t{want_assembly}).add(static_cast<uint64_t>(optimization)).add(static_cast<uint64_t>(loop));
  hash->add(static_cast<uint64_t>(outputs)).add(uint64_t{core_dimensions.size()});
  for (const std::vector<int>& dimensions : core_dimensions) {
    hash->add(uint64_t{dimensions.size()});
    for (const int dimension : dimensions) {
      hash->add(static_cast<uint64_t>(dimension));
    }
  }
}

} // namespace

std::optional<CachePlace> CachePlace::of(const Job& job, const llvm_backend::EmitOptions& emit) {
  if (!job.cache) {
    return std::nullopt;
  }
  base::FieldHasher hash;
  if (!add_function(function_behind(job.dispatcher), &hash)) {
    return std::nullopt;
  }
  hash.add(uint64_t{job.arguments.size()});
  for (ir::TypeRef type : job.arguments) {
    hash.add(type->text);
  }
  hash.add(job.result != nullptr ? job.result->text : std::string());
  add_options(job.options, &hash);
  add_emit_options(emit, &hash);
  const base::Digest wanted = hash.finish();
  const bool is_with_numpy = find_numpy(); // asked first: the engine's identity goes by what was found
  std::vector<base::Digest> keys{base::FieldHasher().add(engine_identity()).add(wanted).finish()};
  if (is_with_numpy) {
    keys.push_back(base::FieldHasher().add(engine_identity_without_numpy()).add(wanted).finish());
  }
  return CachePlace(std::move(keys));
}

std::optional<CachedUnit> CachePlace::load(infer::Handle function) const {
  store_on_disk();
  for (const base::Digest& key : keys_) {
    if (auto unit = load(key, function)) {
      return unit;
    }
  }
  return std::nullopt;
}

std::optional<CachedUnit> CachePlace::load(const base::Digest& key, infer::Handle function) const {
  std::vector<Questions> lists;
  {
    const WithoutGil without_gil;
    lists = questions_at(key);
  }
  for (const Questions& questions : lists) {
    auto host = std::make_unique<RecordingHost>(PythonHost::instance(), function);
    if (!host->ask(questions)) {
      continue;
    }
    const std::optional<base::Digest> answers = host->answers();
    if (!answers) {
      continue;
    }
    const base::Digest unit_at = unit_key(key, questions, *answers);
    std::optional<compiler::Unit> unit;
    {
      const WithoutGil without_gil;
      const std::optional<std::string> bytes = read(unit_at);
      unit = bytes ? decode(*bytes) : std::nullopt;
    }
    if (unit) {
      return CachedUnit{std::move(*unit), std::move(host), {key, questions, unit_at}};
    }
  }
  return std::nullopt;
}

std::optional<CacheEntry> CachePlace::store(const compiler::Unit& unit, const RecordingHost& host) const {
  const std::optional<Questions> questions = host.questions();
  const std::optional<base::Digest> answers = host.answers();
  if (!questions || !answers) {
    return std::nullopt;
  }
  const base::Digest& place = keys_.front();
  CacheEntry entry{place, *questions, unit_key(place, *questions, *answers)};
  const WithoutGil without_gil;
  const std::optional<std::string> bytes = encode(unit);
  if (!bytes || !store_on_disk().put(entry.unit, *bytes)) {
    return std::nullopt;
  }
  if (const auto all = with_questions(place, *questions)) {
    store_on_disk().put(place, *all);
  }
  return entry;
}

std::optional<std::string> export_code(const CacheEntry& entry) {
  store_on_disk();
  const WithoutGil without_gil;
  const std::optional<std::string> unit = read(entry.unit);
  if (!unit) {
    return std::nullopt;
  }
  ByteWriter out;
  out.put(text_of(entry.place));
  out.put(encode_questions({entry.questions}));
  out.put(text_of(entry.unit));
  out.put(*unit);
  return out.take();
}

bool import_code(std::string_view bytes) {
  store_on_disk();
  const WithoutGil without_gil;
  ByteReader in(bytes);
  CacheEntry entry;
  if (!read_digest(&in, &entry.place)) {
    return false;
  }
  const std::vector<Questions> questions = decode_questions(in.text());
  if (questions.size() != 1 || !read_digest(&in, &entry.unit)) {
    return false;
  }
  const std::string unit = in.text();
  if (!in.is_at_end() || !decode(unit)) {
    return false;
  }
  if (!read(entry.unit)) {
    write_anywhere(entry.unit, unit);
  }
  if (const auto all = with_questions(entry.place, questions.front())) {
    write_anywhere(entry.place, *all);
  }
  return true;
}

} // namespace hasten::bindings
