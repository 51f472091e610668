#include "hasten/bindings/cache.h"

#include <structmember.h>

#include <new>
#include <string_view>

#include "hasten/bindings/cache_store.h"
#include "hasten/bindings/python_type.h"

namespace hasten::bindings {
namespace {

using memo::PolicyKind;
using memo::Search;

// What Python's part supplies, or null.
struct Hooks {
  PyObject* freeze;   // (argument) -> something hashable in its place, or NotImplemented
  PyObject* make_key; // (*args, **kwargs) -> the key
  PyObject* on_miss;  // (key, args, kwargs) -> the value, which it has stored itself
  PyObject* size_of;  // (object) -> bytes
};

// Apart from Cache for the sake of offsetof.
struct CacheHead {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* dict;
  PyObject* weak_references;
};

struct Cache : CacheHead {
  CacheStore store;
  PyObject* function;
  PyObject* info_type;
  Hooks hooks;
  uint8_t skipped; // how many arguments, of the first, are no part of a key
  bool is_keyed;   // whether keys are objects, made for hooks
  bool typed;
};

PyTypeObject* cache_type = nullptr;
PyObject* keyword_mark = nullptr; // stands in keys before the arguments by keyword

PyObject* as_object(Cache* cache) { return reinterpret_cast<PyObject*>(cache); }
Cache* cast(PyObject* self) { return static_cast<Cache*>(reinterpret_cast<CacheHead*>(self)); }

// ---------------------------------------------------------------- calls

// The collector takes a cache apart that nobody can reach; what goes down with it may still call.
bool is_whole(const Cache& cache) {
  if (cache.function == nullptr) {
    PyErr_SetString(PyExc_ReferenceError, "this cache has been taken apart by the garbage collector");
  }
  return cache.function != nullptr;
}

PyObject* computed(Cache& cache, const Query& query, PyObject* const* args, size_t nargsf, PyObject* names) {
  if (!is_whole(cache)) {
    return nullptr;
  }
  const uint64_t version = cache.store.version();
  const bool measures = cache.store.measures();
  const int64_t start = measures ? monotonic_nanoseconds() : 0;
  PyObject* value = PyObject_Vectorcall(cache.function, args, nargsf, names);
  if (value == nullptr) {
    return nullptr;
  }
  const int64_t took = measures ? monotonic_nanoseconds() - start : 0;
  if (!cache.store.keep(query, value, version, took, cache.hooks.size_of)) {
    Py_DECREF(value);
    return nullptr;
  }
  return value;
}

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* names) {
  Cache& cache = *cast(self);
  Query query;
  if (!query.read(args, PyVectorcall_NARGS(nargsf), names, cache.typed, cache.hooks.freeze)) {
    return nullptr;
  }
  Search outcome;
  PyObject* value = cache.store.hit(query, &outcome);
  if (value != nullptr || outcome == Search::kFailed) [[likely]] {
    return value;
  }
  return computed(cache, query, args, nargsf, names);
}

PyObject* call_uncached(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* names) {
  cast(self)->store.count_miss();
  return is_whole(*cast(self)) ? PyObject_Vectorcall(cast(self)->function, args, nargsf, names) : nullptr;
}

// The query for a call, however this cache makes its keys.
class CallQuery {
public:
  bool read(Cache& cache, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
    const Hooks& hooks = cache.hooks;
    if (!cache.is_keyed) {
      return query.read(args, positional, names, cache.typed, hooks.freeze);
    }
    if (positional < cache.skipped) {
      PyErr_SetString(PyExc_TypeError, "the argument 'self' is missing");
      return false;
    }
    args += cache.skipped;
    positional -= cache.skipped;
    key_ = hooks.make_key != nullptr ? PyObject_Vectorcall(hooks.make_key, args, positional, names)
                                     : key_object(args, positional, names, cache.typed, keyword_mark);
    return key_ != nullptr && query.read_object(&key_, hooks.freeze);
  }
  CallQuery() = default;
  ~CallQuery() { Py_XDECREF(key_); }
  CallQuery(const CallQuery&) = delete;
  CallQuery& operator=(const CallQuery&) = delete;

  Query query;

private:
  PyObject* key_ = nullptr;
};

PyObject* pack(PyObject* const* args, Py_ssize_t count) {
  PyObject* tuple = PyTuple_New(count);
  for (Py_ssize_t i = 0; tuple != nullptr && i < count; ++i) {
    PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
  }
  return tuple;
}

PyObject* pack_names(PyObject* const* values, PyObject* names) {
  PyObject* dict = PyDict_New();
  for (Py_ssize_t i = 0; dict != nullptr && names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
    if (PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), values[i]) != 0) {
      Py_CLEAR(dict);
    }
  }
  return dict;
}

PyObject* call_hook(Cache& cache, PyObject* key, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  PyObject* packed[3] = {key, pack(args, positional), pack_names(args + positional, names)};
  PyObject* value = packed[1] != nullptr && packed[2] != nullptr ? PyObject_Vectorcall(cache.hooks.on_miss, packed, 3, nullptr) : nullptr;
  Py_XDECREF(packed[1]);
  Py_XDECREF(packed[2]);
  return value;
}

PyObject* call_keyed(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* names) {
  Cache& cache = *cast(self);
  const Py_ssize_t positional = PyVectorcall_NARGS(nargsf);
  CallQuery made;
  if (!is_whole(cache) || !made.read(cache, args, positional, names)) {
    return nullptr;
  }
  Search outcome;
  PyObject* value = cache.store.hit(made.query, &outcome);
  if (value != nullptr || outcome == Search::kFailed) {
    return value;
  }
  return cache.hooks.on_miss != nullptr ? call_hook(cache, made.query.argument(0), args, positional, names)
                                        : computed(cache, made.query, args, nargsf, names);
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  return instance == nullptr || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

// ---------------------------------------------------------------- life

bool policy_of(const char* name, PolicyKind* kind) {
  const std::string_view asked = name;
  if (asked == "lru") {
    *kind = PolicyKind::kLru;
  } else if (asked == "lfu") {
    *kind = PolicyKind::kLfu;
  } else if (asked == "s3fifo") {
    *kind = PolicyKind::kS3Fifo;
  } else {
    PyErr_Format(PyExc_ValueError, "policy='%s': a cache's policy is 'lru', 'lfu' or 's3fifo'", name);
    return false;
  }
  return true;
}

// None: no limit. Else at least 0, as functools has it.
bool read_limit(PyObject* value, Py_ssize_t* limit) {
  *limit = value == Py_None ? -1 : PyNumber_AsSsize_t(value, PyExc_OverflowError);
  if (*limit < 0 && value != Py_None) {
    *limit = 0;
  }
  return PyErr_Occurred() == nullptr;
}

PyObject* or_null(PyObject* hook) { return hook == Py_None ? nullptr : Py_XNewRef(hook); }

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"function", "maxsize",  "typed",   "info_type", "policy", "ttl",  "max_bytes",
                                      "freeze",   "make_key", "on_miss", "size_of",   "skip",   nullptr};
  PyObject* function;
  PyObject* maxsize;
  PyObject* info_type;
  int typed;
  const char* policy_name = "lru";
  long long ttl = -1;
  PyObject* max_bytes = Py_None;
  Hooks hooks{};
  unsigned char skipped = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOpO|$sLOOOOOb:Cache", const_cast<char**>(names), &function, &maxsize, &typed, &info_type,
                                   &policy_name, &ttl, &max_bytes, &hooks.freeze, &hooks.make_key, &hooks.on_miss, &hooks.size_of,
                                   &skipped)) {
    return nullptr;
  }
  CacheLimits limits;
  limits.nanoseconds = ttl;
  PolicyKind policy;
  if (!read_limit(maxsize, &limits.entries) || !read_limit(max_bytes, &limits.bytes) || !policy_of(policy_name, &policy)) {
    return nullptr;
  }
  if (PyCallable_Check(function) == 0) {
    PyErr_SetString(PyExc_TypeError, "the first argument must be callable");
    return nullptr;
  }
  auto* cache = cast(type->tp_alloc(type, 0));
  if (cache == nullptr) {
    return nullptr;
  }
  hooks = {or_null(hooks.freeze), or_null(hooks.make_key), or_null(hooks.on_miss), or_null(hooks.size_of)};
  policy = limits.entries < 0 && limits.bytes < 0 ? PolicyKind::kNone : policy;
  new (&cache->store) CacheStore(policy, limits, hooks.size_of != nullptr);
  cache->function = Py_NewRef(function);
  cache->info_type = Py_NewRef(info_type);
  cache->hooks = hooks;
  cache->typed = typed != 0;
  cache->skipped = skipped;
  cache->is_keyed = hooks.make_key != nullptr || hooks.on_miss != nullptr || skipped != 0;
  cache->vectorcall = cache->is_keyed ? call_keyed : limits.entries == 0 ? call_uncached : call;
  return as_object(cache);
}

template <typename Visit> int each_part(Cache& cache, Visit visit) {
  for (PyObject** part : {&cache.dict, &cache.function, &cache.info_type, &cache.hooks.freeze, &cache.hooks.make_key, &cache.hooks.on_miss,
                          &cache.hooks.size_of}) {
    if (const int status = visit(*part)) {
      return status;
    }
  }
  return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  const int status = each_part(*cast(self), [=](PyObject* part) {
    Py_VISIT(part);
    return 0;
  });
  return status != 0 ? status : cast(self)->store.traverse(visit, arg);
}

int clear(PyObject* self) {
  cast(self)->store.clear();
  return each_part(*cast(self), [](PyObject*& part) {
    Py_CLEAR(part);
    return 0;
  });
}

void dealloc(PyObject* self) {
  withdraw(self, cast(self)->weak_references);
  clear(self);
  cast(self)->store.~CacheStore();
  free_object(self);
}

// A class made in Python inherits neither flag before 3.12.
PyObject* init_subclass(PyObject* subclass, PyObject*) {
  auto* type = reinterpret_cast<PyTypeObject*>(subclass);
  if (type->tp_call == cache_type->tp_call) {
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  }
  if (type->tp_descr_get == cache_type->tp_descr_get) {
    type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  }
  PyType_Modified(type);
  Py_RETURN_NONE;
}

// ---------------------------------------------------------------- methods

PyObject* cache_info(PyObject* self, PyObject*) {
  if (!is_whole(*cast(self))) {
    return nullptr;
  }
  const CacheStore& store = cast(self)->store;
  PyObject* maxsize = store.limits().entries < 0 ? Py_NewRef(Py_None) : PyLong_FromSsize_t(store.limits().entries);
  if (maxsize == nullptr) {
    return nullptr;
  }
  const auto hits = static_cast<long long>(store.hits());
  const auto misses = static_cast<long long>(store.misses());
  const auto size = static_cast<Py_ssize_t>(store.size());
  if (!store.measures()) {
    return PyObject_CallFunction(cast(self)->info_type, "LLNn", hits, misses, maxsize, size);
  }
  return PyObject_CallFunction(cast(self)->info_type, "LLNnnd", hits, misses, maxsize, size, static_cast<Py_ssize_t>(store.bytes()),
                               1e-9 * static_cast<double>(store.time_saved()));
}

PyObject* cache_clear(PyObject* self, PyObject*) {
  cast(self)->store.clear();
  Py_RETURN_NONE;
}

PyObject* cache_contains(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  CallQuery made;
  if (!made.read(*cast(self), args, positional, names)) {
    return nullptr;
  }
  Entry* entry;
  const Search outcome = cast(self)->store.find(made.query, &entry);
  return outcome == Search::kFailed ? nullptr : PyBool_FromLong(outcome == Search::kFound ? 1 : 0);
}

PyObject* cache_pop(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  CallQuery made;
  if (!made.read(*cast(self), args, positional, names)) {
    return nullptr;
  }
  Entry* entry;
  switch (cast(self)->store.find(made.query, &entry)) {
  case Search::kFailed:
    return nullptr;
  case Search::kFound: {
    PyObject* value = Py_NewRef(entry->value);
    cast(self)->store.erase(*entry);
    return value;
  }
  default:
    PyErr_SetString(PyExc_KeyError, "the cache has no value for these arguments; cache_contains() tells beforehand");
    return nullptr;
  }
}

PyObject* cache_put(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  if (positional < 1) {
    PyErr_SetString(PyExc_TypeError, "cache_put(value, *args, **kwargs): the value is missing");
    return nullptr;
  }
  CallQuery made;
  Cache& cache = *cast(self);
  if (!made.read(cache, args + 1, positional - 1, names) || !cache.store.put(made.query, args[0], 0, cache.hooks.size_of)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

// For Python's part: a key that on_miss was given, the value, the seconds that it took, and those that were saved now.
PyObject* store_value(PyObject* self, PyObject* args) {
  PyObject* key;
  PyObject* value;
  double seconds;
  double saved;
  if (!PyArg_ParseTuple(args, "OOdd:_store", &key, &value, &seconds, &saved)) {
    return nullptr;
  }
  Query query;
  Cache& cache = *cast(self);
  if (!query.read_object(&key, nullptr) ||
      !cache.store.keep(query, value, cache.store.version() - 1, static_cast<int64_t>(1e9 * seconds), cache.hooks.size_of)) {
    return nullptr;
  }
  cache.store.add_time_saved(static_cast<int64_t>(1e9 * saved));
  Py_RETURN_NONE;
}

// For Python's part: the key of a call, as on_miss would be given it.
PyObject* key_of_call(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  CallQuery made;
  return made.read(*cast(self), args, positional, names) ? Py_NewRef(made.query.argument(0)) : nullptr;
}

// For Python's part: what a hit with this key returns, counted as one; else the second argument, counted as a miss.
PyObject* look_up(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "_look_up(key, default)");
    return nullptr;
  }
  Query query;
  if (!query.read_object(args, nullptr)) {
    return nullptr;
  }
  Search outcome;
  PyObject* value = cast(self)->store.hit(query, &outcome);
  return value != nullptr || outcome == Search::kFailed ? value : Py_NewRef(args[1]);
}

PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }

PyObject* same(PyObject* self, PyObject*) { return Py_NewRef(self); }

template <typename Function> PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"__init_subclass__", as_method(init_subclass), METH_CLASS | METH_NOARGS, nullptr},
    {"cache_info", as_method(cache_info), METH_NOARGS, "Report hits, misses and sizes."},
    {"cache_clear", as_method(cache_clear), METH_NOARGS, "Forget all values and counts."},
    {"cache_contains", as_method(cache_contains), METH_FASTCALL | METH_KEYWORDS,
     "Tell whether a call with these arguments would be a hit."},
    {"cache_pop", as_method(cache_pop), METH_FASTCALL | METH_KEYWORDS, "Forget the value for these arguments, and return it."},
    {"cache_put", as_method(cache_put), METH_FASTCALL | METH_KEYWORDS, "Remember a value, the first argument, for the other arguments."},
    {"_store", as_method(store_value), METH_VARARGS, nullptr},
    {"_key", as_method(key_of_call), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_look_up", as_method(look_up), METH_FASTCALL, nullptr},
    {"__reduce__", as_method(reduce), METH_NOARGS, nullptr},
    {"__copy__", as_method(same), METH_NOARGS, nullptr},
    {"__deepcopy__", as_method(same), METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(CacheHead, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(CacheHead, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(CacheHead, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind_method)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc, const_cast<char*>("A function that remembers what it returned.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "hasten._core.Cache", sizeof(Cache), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, slots};

} // namespace

bool is_cache(PyObject* object) { return PyObject_TypeCheck(object, cache_type) != 0; }

PyObject* function_of_cache(PyObject* cache) { return cast(cache)->function; }

bool init_cache(PyObject* module) {
  keyword_mark = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type));
  cache_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return keyword_mark != nullptr && cache_type != nullptr &&
         PyModule_AddObjectRef(module, "Cache", reinterpret_cast<PyObject*>(cache_type)) == 0 &&
         PyModule_AddObjectRef(module, "_keyword_mark", keyword_mark) == 0;
}

} // namespace hasten::bindings
