#include "hasten/bindings/cache_store.h"

#include <bit>
#include <ctime>
#include <new>
#include <vector>

namespace hasten::bindings {
namespace {

using memo::Search;

// What is taken out hangs together by `newer` until it is released.
void release_chain(Entry* chain) {
  while (chain != nullptr) {
    Entry* const next = static_cast<Entry*>(chain->newer);
    release_entry(chain);
    chain = next;
  }
}

// Of value and key, as `size_of` sees them; false with an exception set.
bool measure(const Entry& entry, PyObject* value, PyObject* size_of, size_t* bytes) {
  *bytes = sizeof(Entry) + entry.shape.total * sizeof(PyObject*);
  const auto add = [&](PyObject* object) {
    PyObject* size = PyObject_CallOneArg(size_of, object);
    const size_t count = size != nullptr ? PyLong_AsSize_t(size) : static_cast<size_t>(-1);
    Py_XDECREF(size);
    *bytes += count;
    return PyErr_Occurred() == nullptr;
  };
  for (uint32_t i = 0; i < entry.shape.total; ++i) {
    if (!add(entry.arguments[i])) {
      return false;
    }
  }
  return add(value);
}

} // namespace

int64_t monotonic_nanoseconds() {
  struct timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

CacheStore::CacheStore(memo::PolicyKind policy, const CacheLimits& limits, bool measures)
    : table_(policy, limits.entries > 0 ? static_cast<size_t>(limits.entries) : 0), limits_(limits),
      is_bounded_(policy != memo::PolicyKind::kNone), measures_(measures) {}

Search CacheStore::find(const Query& query, Entry** found) {
  for (;;) {
    const memo::Found result = table_.find(query.hash(), [&](memo::Node& node) { return query.matches(entry_of(node), table_); });
    if (result.outcome == Search::kChanged) {
      continue;
    }
    if (result.outcome != Search::kFound) {
      return result.outcome;
    }
    Entry& entry = entry_of(*result.node);
    if (limits_.nanoseconds >= 0 && monotonic_nanoseconds() >= entry.expires_at) {
      erase(entry);
      return Search::kAbsent;
    }
    *found = &entry;
    return Search::kFound;
  }
}

bool CacheStore::keep(const Query& query, PyObject* value, uint64_t version, int64_t took, PyObject* size_of) {
  if (table_.version() != version) {
    Entry* entry = nullptr;
    switch (find(query, &entry)) {
    case Search::kFailed:
      return false;
    case Search::kFound: // computed by somebody else, too: as with functools, the first stays in a bounded cache, else the last
      if (!is_bounded_) {
        replace_value(*entry, value, took);
      }
      return true;
    default:
      break;
    }
  }
  return insert(query, value, took, size_of);
}

bool CacheStore::put(const Query& query, PyObject* value, int64_t took, PyObject* size_of) {
  Entry* entry = nullptr;
  const Search outcome = find(query, &entry);
  if (outcome == Search::kFound) {
    erase(*entry);
    return put(query, value, took, size_of); // what was released may have put its own
  }
  return outcome != Search::kFailed && insert(query, value, took, size_of);
}

void CacheStore::replace_value(Entry& entry, PyObject* value, int64_t took) {
  PyObject* const old = entry.value;
  entry.value = Py_NewRef(value);
  entry.took = took;
  Py_DECREF(old);
}

bool CacheStore::has_room_for(size_t bytes) const {
  const bool few = limits_.entries < 0 || table_.size() < static_cast<size_t>(limits_.entries);
  return few && (limits_.bytes < 0 || bytes_ + bytes <= static_cast<size_t>(limits_.bytes));
}

bool CacheStore::insert(const Query& query, PyObject* value, int64_t took, PyObject* size_of) {
  if (keeps_nothing()) {
    return true;
  }
  Entry* entry = query.make_entry();
  if (entry == nullptr) {
    return false;
  }
  entry->took = took;
  entry->bytes = 0;
  if (measures_) {
    const uint64_t version = table_.version();
    if (!measure(*entry, value, size_of, &entry->bytes)) {
      release_entry(entry);
      return false;
    }
    Entry* other = nullptr;
    // An entry that was put meanwhile stays, and so does the room of one that is too large for any.
    if ((table_.version() != version && find(query, &other) != Search::kAbsent) ||
        (limits_.bytes >= 0 && entry->bytes > static_cast<size_t>(limits_.bytes))) {
      release_entry(entry);
      return PyErr_Occurred() == nullptr;
    }
    entry->expires_at = limits_.nanoseconds >= 0 ? monotonic_nanoseconds() + limits_.nanoseconds : 0;
  }
  entry->value = Py_NewRef(value);
  Entry* evicted = nullptr;
  try {
    evicted = take_out_expired(evicted);
    while (is_bounded_ && !has_room_for(entry->bytes)) {
      evicted = take_out(entry_of(*table_.victim()), evicted);
    }
    table_.insert(*entry);
  } catch (const std::bad_alloc&) {
    release_entry(entry);
    release_chain(evicted);
    PyErr_NoMemory();
    return false;
  }
  bytes_ += entry->bytes;
  release_chain(evicted);
  return true;
}

// Nobody asks again for most of what has expired. Looking for it whenever the table has doubled costs each insertion a constant.
Entry* CacheStore::take_out_expired(Entry* chain) {
  if (limits_.nanoseconds < 0 || !std::has_single_bit(table_.size())) {
    return chain;
  }
  const int64_t now = monotonic_nanoseconds();
  std::vector<Entry*> expired;
  table_.each([&](memo::Node& node) {
    if (now >= entry_of(node).expires_at) {
      expired.push_back(&entry_of(node));
    }
    return 0;
  });
  for (Entry* entry : expired) {
    chain = take_out(*entry, chain);
  }
  return chain;
}

Entry* CacheStore::take_out(Entry& entry, Entry* chain) {
  table_.erase(entry);
  bytes_ -= entry.bytes;
  entry.newer = chain;
  return &entry;
}

void CacheStore::erase(Entry& entry) { release_chain(take_out(entry, nullptr)); }

void CacheStore::clear() {
  hits_ = misses_ = time_saved_ = 0;
  bytes_ = 0;
  Entry* chain = nullptr;
  table_.clear([&](memo::Node& node) {
    node.newer = chain;
    chain = &entry_of(node);
  });
  release_chain(chain);
}

int CacheStore::traverse(visitproc visit, void* arg) const {
  return table_.each([=](memo::Node& node) {
    const Entry& entry = entry_of(node);
    for (uint32_t i = 0; i < entry.shape.total; ++i) {
      Py_VISIT(entry.arguments[i]);
    }
    Py_VISIT(entry.names);
    Py_VISIT(entry.value);
    return 0;
  });
}

} // namespace hasten::bindings
