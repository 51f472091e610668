// What a cache calls a call by: the arguments where they lie, compared as functools.lru_cache compares them. A key in the table owns its
// objects; a Query borrows those of the caller.
//
// All functions need the GIL. Hashing and comparing may run Python code, and so change the cache that asks.
#pragma once

#include <Python.h>

#include "hasten/memo/table.h"

namespace hasten::bindings {

// How many arguments there are, how many of them by position, and whether it is the short form: one exact int or str. functools tells
// f(1) from f(1.0) that way, but not f(1, 2) from f(1.0, 2).
struct Shape {
  uint32_t positional = 0;
  uint32_t total = 0;
  bool is_short = false;
  bool operator==(const Shape&) const = default;
};

// An entry of a cache: the key, the value, and what the value costs.
struct Entry : memo::Node {
  Shape shape;
  PyObject* names; // those of arguments by keyword, a tuple; or null
  PyObject* value;
  int64_t expires_at; // nanoseconds of the monotonic clock
  int64_t took;       // nanoseconds to compute it
  size_t bytes;
  PyObject* arguments[1]; // as many as the shape says, and at least room for one
};

inline Entry& entry_of(memo::Node& node) { return static_cast<Entry&>(node); }

class Query {
public:
  // `freeze` (or null) is asked for something hashable in the place of an argument that is not; it answers NotImplemented where it knows
  // nothing. False with an exception set where an argument can't be hashed.
  bool read(PyObject* const* args, Py_ssize_t positional, PyObject* names, bool typed, PyObject* freeze);
  // Takes an object for the key, whatever it is.
  bool read_object(PyObject* const* object, PyObject* freeze);
  ~Query() {
    if (own_ != nullptr) [[unlikely]] {
      drop_own();
    }
  }
  Query() = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  uint64_t hash() const { return hash_; }
  // Borrowed; what `freeze` put in its place where it did.
  PyObject* argument(uint32_t index) const { return arguments_[index]; }
  // May run Python code; the entry may be gone afterwards if the table's version says so.
  memo::Match matches(Entry& entry, const memo::Table& table) const {
    if (entry.shape != shape_) {
      return memo::Match::kNo;
    }
    if (entry.shape.is_short && entry.arguments[0] == arguments_[0]) [[likely]] {
      return memo::Match::kYes;
    }
    return compare(entry, table);
  }
  // A new entry that owns what the key consists of, without a value; null with an exception set where there is no memory.
  Entry* make_entry() const;

private:
  void drop_own();
  bool hash_all(PyObject* freeze);
  bool hash_one(uint32_t index, PyObject* freeze, Py_hash_t* hash);
  bool replace(uint32_t index, PyObject* freeze);
  bool own_arguments();
  memo::Match compare(Entry& entry, const memo::Table& table) const;

  PyObject* const* arguments_ = nullptr;
  PyObject* names_ = nullptr;
  PyObject** own_ = nullptr; // where an argument was replaced: all of them, owned
  uint64_t hash_ = 0;
  Shape shape_;
  bool typed_ = false;
};

// The key of a call as one object, as functools would build it; `mark` stands before the arguments by keyword. A new reference, or null
// with an exception set.
PyObject* key_object(PyObject* const* args, Py_ssize_t positional, PyObject* names, bool typed, PyObject* mark);

// Lets go of what an entry owns, and frees it. May run Python code: the entry is in no table by then.
void release_entry(Entry* entry);

} // namespace hasten::bindings
