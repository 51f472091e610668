#include "hasten/bindings/pool_codec.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "hasten/bindings/pool_array.h"

namespace hasten::bindings {
namespace {

constexpr Py_ssize_t kMostBytes = 4096; // longer ones gain nothing

// Tuples in tuples that are written plainly.
constexpr int kMostDepth = 3;

// Of the arrays of a task. More of them are better viewed where they lie in a block, since memory that is touched for the first time costs
// more than pickling.
constexpr size_t kMostOfArrays = kMostArrayBytes;

template <typename T> void put(T value, PoolTag tag, PoolScalar* scalar) {
  static_assert(sizeof value <= sizeof scalar->own);
  std::memcpy(scalar->own.data(), &value, sizeof value);
  scalar->tag = tag;
  scalar->data = scalar->own.data();
  scalar->size = sizeof value;
}

bool encode_int(PyObject* value, PoolScalar* scalar) {
  int overflow = 0;
  const int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0) {
    return false;
  }
  if (number == static_cast<int32_t>(number)) {
    put(static_cast<int32_t>(number), PoolTag::kSmallInt, scalar);
  } else {
    put(number, PoolTag::kInt, scalar);
  }
  return true;
}

bool encode_text(PyObject* value, PoolScalar* scalar) {
  // Only text whose bytes are there already: a surrogate, which has no UTF-8, is never ASCII.
  if (PyUnicode_IS_COMPACT_ASCII(value) == 0 || PyUnicode_GET_LENGTH(value) > kMostBytes) {
    return false;
  }
  scalar->tag = PoolTag::kText;
  scalar->data = static_cast<const char*>(PyUnicode_DATA(value));
  scalar->size = static_cast<size_t>(PyUnicode_GET_LENGTH(value));
  return true;
}

} // namespace

bool encode_scalar(PyObject* value, PoolScalar* scalar) {
  if (value == Py_None || value == Py_True || value == Py_False) {
    const PoolTag truth = value == Py_True ? PoolTag::kTrue : PoolTag::kFalse;
    scalar->tag = value == Py_None ? PoolTag::kNone : truth;
    scalar->data = nullptr;
    scalar->size = 0;
    return true;
  }
  if (PyLong_CheckExact(value)) {
    return encode_int(value, scalar);
  }
  if (PyFloat_CheckExact(value)) {
    put(PyFloat_AS_DOUBLE(value), PoolTag::kFloat, scalar);
    return true;
  }
  if (PyUnicode_CheckExact(value)) {
    return encode_text(value, scalar);
  }
  if (PyBytes_CheckExact(value) && PyBytes_GET_SIZE(value) <= kMostBytes) {
    scalar->tag = PoolTag::kBytes;
    scalar->data = PyBytes_AS_STRING(value);
    scalar->size = static_cast<size_t>(PyBytes_GET_SIZE(value));
    return true;
  }
  return false;
}

namespace {

template <typename T> T get(const char* data, size_t size) {
  T value{};
  std::memcpy(&value, data, size < sizeof value ? size : sizeof value);
  return value;
}

} // namespace

PyObject* decode_scalar(PoolTag tag, const char* data, size_t size) {
  switch (tag) {
  case PoolTag::kNone:
    Py_RETURN_NONE;
  case PoolTag::kTrue:
    Py_RETURN_TRUE;
  case PoolTag::kFalse:
    Py_RETURN_FALSE;
  case PoolTag::kSmallInt:
    return PyLong_FromLong(get<int32_t>(data, size));
  case PoolTag::kInt:
    return PyLong_FromLongLong(get<int64_t>(data, size));
  case PoolTag::kFloat:
    return PyFloat_FromDouble(get<double>(data, size));
  case PoolTag::kText:
    return PyUnicode_DecodeASCII(data, static_cast<Py_ssize_t>(size), nullptr);
  case PoolTag::kBytes:
    return PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size));
  case PoolTag::kArray:
    return decode_array({data, size});
  default:
    PyErr_SetString(PyExc_ValueError, "a value of the pool came in an unknown form");
    return nullptr;
  }
}

// --- tuples ---

namespace {

// Bytes of a scalar's value where its tag says it; others are written with their size.
constexpr size_t fixed_size(PoolTag tag) { return tag == PoolTag::kSmallInt ? 4 : tag == PoolTag::kInt || tag == PoolTag::kFloat ? 8 : 0; }
constexpr bool has_size(PoolTag tag) {
  return tag == PoolTag::kText || tag == PoolTag::kBytes || tag == PoolTag::kTuple || tag == PoolTag::kArray;
}

class Writer {
public:
  explicit Writer(std::string* body) : body_(*body) {}

  bool tuple(PyObject* const* objects, size_t count, int depth) {
    tag(PoolTag::kTuple, count);
    for (size_t i = 0; i < count; ++i) {
      if (!value(objects[i], depth)) {
        return false;
      }
    }
    return true;
  }

  // Whether no array is there twice: what is one object shall be one again, as pickle has it.
  bool is_without_repeats() {
    std::sort(arrays_.begin(), arrays_.end());
    return std::adjacent_find(arrays_.begin(), arrays_.end()) == arrays_.end();
  }

private:
  void tag(PoolTag tag, size_t size) {
    body_.push_back(static_cast<char>(tag));
    if (has_size(tag)) {
      const auto short_size = static_cast<uint32_t>(size);
      body_.append(reinterpret_cast<const char*>(&short_size), sizeof short_size);
    }
  }

  bool value(PyObject* value, int depth) {
    PoolScalar scalar{};
    if (encode_scalar(value, &scalar)) {
      tag(scalar.tag, scalar.size);
      body_.append(scalar.data, scalar.size);
      return true;
    }
    if (PyTuple_CheckExact(value)) {
      return depth < kMostDepth && tuple(&PyTuple_GET_ITEM(value, 0), static_cast<size_t>(PyTuple_GET_SIZE(value)), depth + 1);
    }
    return is_plain_array(value) && array_size(value) <= kMostOfArrays - array_bytes_ && array(value);
  }

  bool array(PyObject* value) {
    tag(PoolTag::kArray, 0);
    const size_t begin = body_.size();
    if (!append_array(value, &body_)) {
      return false;
    }
    const auto size = static_cast<uint32_t>(body_.size() - begin);
    std::memcpy(body_.data() + begin - sizeof size, &size, sizeof size);
    arrays_.push_back(value);
    array_bytes_ += array_size(value);
    return true;
  }

  std::string& body_;
  std::vector<PyObject*> arrays_;
  size_t array_bytes_ = 0;
};

class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  PyObject* value() {
    std::string_view data;
    if (!take(1, &data)) {
      return nullptr;
    }
    const auto tag = static_cast<PoolTag>(data.front());
    size_t size = fixed_size(tag);
    if (has_size(tag)) {
      if (!take(sizeof(uint32_t), &data)) {
        return nullptr;
      }
      size = get<uint32_t>(data.data(), data.size());
    }
    if (tag == PoolTag::kTuple) {
      return tuple(size);
    }
    return take(size, &data) ? decode_scalar(tag, data.data(), data.size()) : nullptr;
  }

private:
  bool take(size_t size, std::string_view* data) {
    if (size > bytes_.size()) {
      PyErr_SetString(PyExc_ValueError, "the items of a task end too early");
      return false;
    }
    *data = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }

  PyObject* tuple(size_t size) {
    PyObject* made = size <= bytes_.size() ? PyTuple_New(static_cast<Py_ssize_t>(size)) : PyErr_NoMemory();
    for (size_t i = 0; made != nullptr && i < size; ++i) {
      PyObject* item = value();
      if (item == nullptr) {
        Py_CLEAR(made);
      } else {
        PyTuple_SET_ITEM(made, static_cast<Py_ssize_t>(i), item);
      }
    }
    return made;
  }

  std::string_view bytes_;
};

} // namespace

bool encode_plainly(PyObject* const* objects, size_t count, std::string* body) {
  const size_t before = body->size();
  Writer writer(body);
  const bool is_plain = writer.tuple(objects, count, 0) && writer.is_without_repeats();
  if (!is_plain) {
    body->resize(before);
  }
  return is_plain;
}

PyObject* decode_plain(std::string_view body) { return Reader(body).value(); }

} // namespace hasten::bindings
