// What the two kinds of channels share: those of any objects, which the GIL guards, and those of numbers or arrays (value_channel.cpp),
// which compiled code uses without it.
#pragma once

#include <Python.h>

#include "hasten/bindings/item_queue.h"
#include "hasten/compiler/ir/type.h"
#include "hasten/parallel/value_channel.h"

namespace hasten::bindings {

struct ChannelObject {
  PyObject_HEAD ItemQueue queue;
  PyObject* weak_references;
  bool is_closed;
  parallel::ValueChannel* values; // null: of objects
};

// hasten._core.Channel; ValueChannel is a subclass.
inline PyTypeObject* channel_type = nullptr;

inline ChannelObject* channel_of(PyObject* self) { return reinterpret_cast<ChannelObject*>(self); }

// ---- between threads, of either kind

bool is_closed_channel(const ChannelObject* channel);
// Takes an item if there is one. Null without an exception: there is none.
PyObject* take_item(ChannelObject* channel);
// Wakes somebody who waits for an item, if there is one.
void wake_getter(ChannelObject* channel);

bool init_channel_select(PyObject* module); // also for those between processes

// ---- of numbers or arrays

// Whether a value is such a channel.
bool is_value_channel(PyObject* value);
// Its type in compiled code, and 56 bits that stand for it.
ir::TypeRef type_of_channel(PyObject* channel);
uint64_t code_of_channel(PyObject* channel);

// Takes an item if there is one. Null without an exception: there is none.
PyObject* take_value(ChannelObject* self);

bool init_value_channel(PyObject* module);

} // namespace hasten::bindings
