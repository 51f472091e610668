#include "hasten/bindings/code_cache.h"

#include <algorithm>

#include "hasten/bindings/byte_stream.h"
#include "hasten/bindings/engine_identity.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/host_values.h"
#include "hasten/bindings/made_once.h"
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
  hash.add(engine_identity());
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
  return CachePlace(hash.finish());
}

base::Digest CachePlace::unit_key(const Questions& questions, const base::Digest& answers) const {
  return base::FieldHasher().add(key_).add(encode_questions({questions})).add(answers).finish();
}

std::vector<Questions> CachePlace::known_questions() const {
  const std::optional<std::string> bytes = store_on_disk().get(key_);
  return bytes ? decode_questions(*bytes) : std::vector<Questions>();
}

std::optional<CachedUnit> CachePlace::load(infer::Handle function) const {
  store_on_disk();
  std::vector<Questions> lists;
  {
    const WithoutGil without_gil;
    lists = known_questions();
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
    std::optional<compiler::Unit> unit;
    {
      const WithoutGil without_gil;
      const std::optional<std::string> bytes = store_on_disk().get(unit_key(questions, *answers));
      unit = bytes ? decode(*bytes) : std::nullopt;
    }
    if (unit) {
      return CachedUnit{std::move(*unit), std::move(host)};
    }
  }
  return std::nullopt;
}

void CachePlace::store(const compiler::Unit& unit, const RecordingHost& host) const {
  const std::optional<Questions> questions = host.questions();
  const std::optional<base::Digest> answers = host.answers();
  if (!questions || !answers) {
    return;
  }
  const WithoutGil without_gil;
  const std::optional<std::string> bytes = encode(unit);
  if (!bytes || !store_on_disk().put(unit_key(*questions, *answers), *bytes)) {
    return;
  }
  std::vector<Questions> lists = known_questions();
  if (std::find(lists.begin(), lists.end(), *questions) != lists.end()) {
    return;
  }
  lists.insert(lists.begin(), *questions);
  lists.resize(std::min(lists.size(), kMostQuestionLists));
  store_on_disk().put(key_, encode_questions(lists));
}

} // namespace hasten::bindings
