#include "hasten/bindings/boxing.h"

#include <nanobind/nanobind.h>

#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/named_values.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/scalar_boxing.h"
#include "hasten/bindings/thread_channel.h"

namespace hasten::bindings {
namespace {

namespace nb = nanobind;
using infer::Dialect;
using ir::Kind;

bool mismatch(PyObject* value, ir::TypeRef type) {
  PyErr_Format(PyExc_TypeError, "%s expected, not %s", ir::display(type).c_str(), Py_TYPE(value)->tp_name);
  return false;
}

bool unbox_items(PyObject* const* values, const std::vector<ir::TypeRef>& items, Dialect dialect, UnboxCursor* to) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (!unbox(values[i], items[i], dialect, to)) {
      return false;
    }
  }
  return true;
}

bool unbox_tuple(PyObject* value, ir::TypeRef type, Dialect dialect, UnboxCursor* to) {
  if (!PyTuple_Check(value) || static_cast<size_t>(PyTuple_GET_SIZE(value)) != type->items.size()) {
    return mismatch(value, type);
  }
  return unbox_items(reinterpret_cast<PyTupleObject*>(value)->ob_item, type->items, dialect, to);
}

bool unbox_range(PyObject* value, ir::TypeRef type, Dialect dialect, UnboxCursor* to) {
  if (!PyRange_Check(value)) {
    return mismatch(value, type);
  }
  for (const char* part : {"start", "stop", "step"}) {
    PyObject* number = PyObject_GetAttrString(value, part);
    if (number == nullptr) {
      return false;
    }
    const bool done = unbox_scalar(number, type->elem, dialect, to->slots++);
    Py_DECREF(number);
    if (!done) {
      return false;
    }
  }
  return true;
}

bool unbox_slice(PyObject* value, ir::TypeRef type, Dialect dialect, UnboxCursor* to) {
  if (!PySlice_Check(value)) {
    return mismatch(value, type);
  }
  const auto* slice = reinterpret_cast<PySliceObject*>(value);
  PyObject* const parts[] = {slice->start, slice->stop, slice->step};
  return unbox_items(parts, type->items, dialect, to);
}

bool unbox_optional(PyObject* value, ir::TypeRef type, Dialect dialect, UnboxCursor* to) {
  const bool present = value != Py_None;
  *to->slots++ = present ? 1 : 0;
  if (present) {
    return unbox(value, type->elem, dialect, to);
  }
  for (int i = ir::slot_count(type->elem); i > 0; --i) {
    *to->slots++ = 0;
  }
  return true;
}

bool unbox_argument_array(PyObject* value, ir::TypeRef type, UnboxCursor* to) {
  if (!has_numpy() || !PyArray_Check(value) || PyArray_NDIM(reinterpret_cast<PyArrayObject*>(value)) != type->ndim) {
    return mismatch(value, type);
  }
  to->slots = unbox_array(reinterpret_cast<PyArrayObject*>(value), to->blocks++, to->slots);
  return true;
}

// The only sequences that come from Python.
bool unbox_channel(PyObject* value, ir::TypeRef type, UnboxCursor* to) {
  if (!is_value_channel(value) || type_of_channel(value) != type) {
    return mismatch(value, type);
  }
  *to->slots++ = reinterpret_cast<uint64_t>(channel_of(value)->values);
  return true;
}

PyObject* call_with_items(PyObject* callable, PyObject* arguments) {
  PyObject* result = arguments != nullptr ? PyObject_CallObject(callable, arguments) : nullptr;
  Py_XDECREF(arguments);
  return result;
}

PyObject* box_range(const uint64_t** slots) {
  const auto part = [slots] { return static_cast<long long>(*(*slots)++); };
  const long long start = part();
  const long long stop = part();
  const long long step = part();
  return PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyRange_Type), "LLL", start, stop, step);
}

PyObject* box_optional(ir::TypeRef type, Dialect dialect, const uint64_t** slots) {
  if (*(*slots)++ != 0) {
    return box(type->elem, dialect, slots);
  }
  *slots += ir::slot_count(type->elem);
  return Py_NewRef(Py_None);
}

PyObject* box_union(ir::TypeRef type, Dialect dialect, const uint64_t** slots) {
  const uint64_t tag = *(*slots)++;
  PyObject* result = nullptr;
  for (size_t i = 1; i < type->items.size(); ++i) {
    if (i == tag + 1) {
      result = box(type->items[i], dialect, slots);
    } else {
      *slots += ir::slot_count(type->items[i]);
    }
  }
  return result;
}

PyObject* box_counted(ir::TypeRef type, const uint64_t** slots) {
  PyObject* array = box_array(type, *slots);
  *slots += ir::slot_count(type);
  return array;
}

// The name of a format type is "format:" and a template as for str.format, or "percent:" and one as for the operator %.
PyObject* box_format(ir::TypeRef type, Dialect dialect, const uint64_t** slots) {
  const nb::object items = nb::steal(box_items(type->items, dialect, slots));
  if (!items.is_valid()) {
    return nullptr;
  }
  const size_t colon = type->name.find(':');
  const nb::object text = nb::steal(PyUnicode_FromString(type->name.c_str() + colon + 1));
  if (!text.is_valid() || type->name.compare(0, colon, "percent") == 0) {
    return text.is_valid() ? PyUnicode_Format(text.ptr(), items.ptr()) : nullptr;
  }
  const nb::object format = nb::steal(PyObject_GetAttrString(text.ptr(), "format"));
  return format.is_valid() ? PyObject_CallObject(format.ptr(), items.ptr()) : nullptr;
}

PyObject* no_boxing(ir::TypeRef type) {
  PyErr_Format(PyExc_SystemError, "a value of type %s cannot leave compiled code", ir::display(type).c_str());
  return nullptr;
}

} // namespace

int block_count(ir::TypeRef type) {
  if (type->kind == Kind::kArray) {
    return 1;
  }
  int count = type->kind == Kind::kOptional ? block_count(type->elem) : 0;
  for (ir::TypeRef item : type->items) {
    count += block_count(item);
  }
  return count;
}

bool unbox(PyObject* value, ir::TypeRef type, Dialect dialect, UnboxCursor* to) {
  if (is_scalar(type)) {
    uint64_t* slots = to->slots;
    to->slots += type->kind == Kind::kComplex ? 2 : 1;
    return unbox_scalar(value, type, dialect, slots);
  }
  switch (type->kind) {
  case Kind::kArray:
    return unbox_argument_array(value, type, to);
  case Kind::kTuple:
    return unbox_tuple(value, type, dialect, to);
  case Kind::kRange:
    return unbox_range(value, type, dialect, to);
  case Kind::kSlice:
    return unbox_slice(value, type, dialect, to);
  case Kind::kSequence:
    return unbox_channel(value, type, to);
  case Kind::kOptional:
    return unbox_optional(value, type, dialect, to);
  case Kind::kNone:
  case Kind::kNamed:
  case Kind::kEllipsis:
    return true; // the type says it all
  default:
    return mismatch(value, type);
  }
}

PyObject* box(ir::TypeRef type, Dialect dialect, const uint64_t** slots) {
  if (is_scalar(type)) {
    const uint64_t* scalar = *slots;
    *slots += type->kind == Kind::kComplex ? 2 : 1;
    return box_scalar(type, dialect, scalar);
  }
  switch (type->kind) {
  case Kind::kNone:
    return Py_NewRef(Py_None);
  case Kind::kArray:
    return box_counted(type, slots);
  case Kind::kTuple:
    return type->name.empty() ? box_items(type->items, dialect, slots) : make_named_tuple(type, box_items(type->items, dialect, slots));
  case Kind::kRange:
    return box_range(slots);
  case Kind::kSlice:
    return call_with_items(reinterpret_cast<PyObject*>(&PySlice_Type), box_items(type->items, dialect, slots));
  case Kind::kUnion:
    return box_union(type, dialect, slots);
  case Kind::kOptional:
    return box_optional(type, dialect, slots);
  case Kind::kEllipsis:
    return Py_NewRef(Py_Ellipsis);
  case Kind::kFormat:
    return box_format(type, dialect, slots);
  case Kind::kNamed:
    return box_named(type);
  default:
    return no_boxing(type);
  }
}

PyObject* box_items(const std::vector<ir::TypeRef>& items, Dialect dialect, const uint64_t** slots) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(items.size()));
  for (size_t i = 0; i < items.size(); ++i) {
    PyObject* item = tuple != nullptr ? box(items[i], dialect, slots) : nullptr;
    if (tuple == nullptr) {
      release(items[i], slots);
    } else if (item == nullptr) {
      Py_CLEAR(tuple);
    } else {
      PyTuple_SET_ITEM(tuple, i, item);
    }
  }
  return tuple;
}

void release(ir::TypeRef type, const uint64_t** slots) {
  switch (type->kind) {
  case Kind::kArray:
    release_array(*slots);
    *slots += ir::slot_count(type);
    break;
  case Kind::kTuple:
  case Kind::kSlice:
  case Kind::kSequence:
  case Kind::kFormat:
    for (ir::TypeRef item : type->items) {
      release(item, slots);
    }
    break;
  case Kind::kOptional: {
    const bool present = *(*slots)++ != 0;
    if (present) {
      release(type->elem, slots);
    } else {
      *slots += ir::slot_count(type->elem);
    }
    break;
  }
  default:
    *slots += ir::slot_count(type);
  }
}

} // namespace hasten::bindings
