#include "hasten/disk_cache.h"

#include "hasten/memo/disk_store.h"

namespace hasten {
namespace {

// Keys of other users of the engine's store never meet these.
base::Digest digest_of_key(std::string_view key) { return base::FieldHasher().add("hasten::DiskCache").add(key).finish(); }

} // namespace

struct DiskCache::State {
  State(std::string folder, uint64_t max_bytes) : store(std::move(folder), max_bytes) {}

  memo::DiskStore store;
};

DiskCache::DiskCache(std::string folder, uint64_t max_bytes) : state_(std::make_unique<State>(std::move(folder), max_bytes)) {}
DiskCache::~DiskCache() = default;
DiskCache::DiskCache(DiskCache&&) noexcept = default;
DiskCache& DiskCache::operator=(DiskCache&&) noexcept = default;

std::optional<std::string> DiskCache::get_bytes(std::string_view key) const { return state_->store.get(digest_of_key(key)); }

bool DiskCache::put_bytes(std::string_view key, std::string_view bytes) { return state_->store.put(digest_of_key(key), bytes); }

bool DiskCache::erase(std::string_view key) { return state_->store.remove(digest_of_key(key)); }

uint64_t DiskCache::clear() { return state_->store.clear(); }

DiskCache::Size DiskCache::size() const {
  Size size{};
  for (const memo::DiskEntry& entry : state_->store.list()) {
    ++size.values;
    size.bytes += entry.bytes;
  }
  return size;
}

const std::string& DiskCache::folder() const { return state_->store.directory(); }

} // namespace hasten
