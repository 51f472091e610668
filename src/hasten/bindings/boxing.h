// Python values into the slots of abi/slots.h and back.
//
// All functions need the GIL. Where one fails, a Python exception is set.
#pragma once

#include <Python.h>

#include "hasten/abi/block.h"
#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

// Where values are unboxed to; moved forward by each. Arrays take a block each, which lives as long as the call.
struct UnboxCursor {
  uint64_t* slots;
  abi::Block* blocks;
};

// How many blocks a value of this type needs when it is unboxed.
int block_count(ir::TypeRef type);

// Writes the slots of `value`, which must be of `type` or convertible to it. A number is converted as the dialect wants it: where it is out
// of range, `kPython` raises OverflowError and `kNumba` wraps. Borrows `value`: it must stay alive as long as the slots are used.
bool unbox(PyObject* value, ir::TypeRef type, infer::Dialect dialect, UnboxCursor* to);

// A new reference for the value in the slots, and the slot behind it. Takes over the counts of blocks in them, on failure too.
//   kPython: strong scalars become NumPy's, weak ones Python's.  kNumba: all become Python's.
PyObject* box(ir::TypeRef type, infer::Dialect dialect, const uint64_t** slots);

// A new reference to a tuple of the values in the slots; as `box`.
PyObject* box_items(const std::vector<ir::TypeRef>& items, infer::Dialect dialect, const uint64_t** slots);

// Gives back the counts of the blocks in the slots; moves past them.
void release(ir::TypeRef type, const uint64_t** slots);

} // namespace hasten::bindings
