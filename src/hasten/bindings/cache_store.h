// The entries of one cache, and what is counted about them: look-up, insertion, eviction. Python code that runs meanwhile (a comparison, a
// hook, an object's end) may use the same cache; what is evicted is released last, when the cache is whole again.
#pragma once

#include <Python.h>

#include <cstdint>

#include "hasten/bindings/cache_key.h"
#include "hasten/memo/table.h"

namespace hasten::bindings {

struct CacheLimits {
  Py_ssize_t entries = -1;  // -1: any number
  int64_t nanoseconds = -1; // how long an entry is valid; -1: for ever
  Py_ssize_t bytes = -1;    // -1: any number
};

class CacheStore {
public:
  // `measures`: whether bytes and time are counted. `size_of` (borrowed; null where they are not) tells the bytes of an object.
  CacheStore(memo::PolicyKind policy, const CacheLimits& limits, bool measures);

  // kFound: the entry, valid until Python code runs. Never kChanged. An entry that has expired is dropped, and absent.
  memo::Search find(const Query& query, Entry** found);
  // As find(), for a call: counts, and tells the policy. A new reference, or null: a miss, or (kFailed) an exception.
  PyObject* hit(const Query& query, memo::Search* outcome) {
    Entry* entry = nullptr;
    *outcome = find_now(query, &entry);
    if (*outcome != memo::Search::kFound) [[unlikely]] {
      misses_ += *outcome == memo::Search::kAbsent ? 1 : 0;
      return nullptr;
    }
    ++hits_;
    if (is_bounded_) {
      table_.used(*entry);
    }
    time_saved_ += entry->took;
    return Py_NewRef(entry->value);
  }
  // Keeps a value that was computed when the table had `version`. False with an exception set.
  bool keep(const Query& query, PyObject* value, uint64_t version, int64_t took, PyObject* size_of);
  // Replaces or inserts.
  bool put(const Query& query, PyObject* value, int64_t took, PyObject* size_of);
  void erase(Entry& entry);
  void clear();
  int traverse(visitproc visit, void* arg) const;

  bool measures() const { return measures_; }
  bool keeps_nothing() const { return limits_.entries == 0; }
  const CacheLimits& limits() const { return limits_; }
  uint64_t version() const { return table_.version(); }
  size_t size() const { return table_.size(); }
  int64_t hits() const { return hits_; }
  int64_t misses() const { return misses_; }
  size_t bytes() const { return bytes_ + table_.bytes(); }
  int64_t time_saved() const { return time_saved_; }
  void count_miss() { ++misses_; }
  void add_time_saved(int64_t nanoseconds) { time_saved_ += nanoseconds; }

private:
  memo::Search find_now(const Query& query, Entry** found) {
    const memo::Found result = table_.find(query.hash(), [&](memo::Node& node) { return query.matches(entry_of(node), table_); });
    if (result.outcome == memo::Search::kChanged || limits_.nanoseconds >= 0) [[unlikely]] {
      return find(query, found);
    }
    *found = static_cast<Entry*>(result.node);
    return result.outcome;
  }
  bool insert(const Query& query, PyObject* value, int64_t took, PyObject* size_of);
  void replace_value(Entry& entry, PyObject* value, int64_t took);
  bool has_room_for(size_t bytes) const;
  Entry* take_out_expired(Entry* chain);
  Entry* take_out(Entry& entry, Entry* chain);

  memo::Table table_;
  int64_t hits_ = 0;
  int64_t misses_ = 0;
  int64_t time_saved_ = 0;
  CacheLimits limits_;
  bool is_bounded_;
  bool measures_;
  size_t bytes_ = 0;
};

int64_t monotonic_nanoseconds();

} // namespace hasten::bindings
