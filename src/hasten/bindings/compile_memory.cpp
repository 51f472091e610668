#include <Python.h>

#include "hasten/bindings/compile_memory.h"

#include <sys/stat.h>

#include <cstring>

namespace hasten::bindings {
namespace {

constexpr size_t kMaxBytes = size_t{32} << 20;

bool may_define_function(std::string_view text) {
  return text.find("def ") != std::string_view::npos || text.find("lambda") != std::string_view::npos;
}

// Whether the text is that of a file, which is there to be read when it is wanted.
bool is_file(const std::string& name, size_t bytes) {
  struct stat status{};
  return name[0] != '<' && stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode) && static_cast<size_t>(status.st_size) == bytes;
}

bool view_of(PyObject* object, std::string_view* out) {
  Py_ssize_t size = 0;
  if (PyBytes_Check(object)) {
    *out = {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))};
    return true;
  }
  if (!PyUnicode_Check(object)) {
    return false;
  }
  const char* text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text == nullptr) {
    PyErr_Clear();
    return false;
  }
  *out = {text, static_cast<size_t>(size)};
  return true;
}

// Python calls this for every audited event of the process: anything but "compile" must cost nothing.
int on_audit(const char* event, PyObject* args, void*) {
  if (std::strcmp(event, "compile") != 0 || args == nullptr || !PyTuple_Check(args) || PyTuple_GET_SIZE(args) != 2) {
    return 0;
  }
  std::string_view text;
  std::string_view file;
  if (view_of(PyTuple_GET_ITEM(args, 0), &text) && view_of(PyTuple_GET_ITEM(args, 1), &file) && !file.empty() && file != "<hasten>" &&
      may_define_function(text) && !is_file(std::string(file), text.size())) {
    compile_memory().remember(file, text);
  }
  return 0;
}

} // namespace

void CompileMemory::remember(std::string_view file, std::string_view text) {
  if (!may_define_function(text)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  // compile() tells of a text twice: as the object it was given, and as the bytes that are parsed.
  if (!entries_.empty() && entries_.front().text == text && entries_.front().file == file) {
    return;
  }
  Entry entry{std::string(file), std::string(text)};
  if (entry.bytes() > max_bytes_) {
    return;
  }
  bytes_ += entry.bytes();
  entries_.push_front(std::move(entry));
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes();
    entries_.pop_back();
  }
}

std::vector<std::string> CompileMemory::texts(std::string_view file, std::string_view word) const {
  constexpr size_t kMostTexts = 32; // a name such as "<string>" is used for everything
  std::vector<std::string> found;
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.file == file && entry.text.find(word) != std::string::npos) {
      found.push_back(entry.text);
      if (found.size() == kMostTexts) {
        break;
      }
    }
  }
  return found;
}

size_t CompileMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

CompileMemory& compile_memory() {
  static auto* const memory = new CompileMemory(kMaxBytes); // never freed: the hook outlives the module
  return *memory;
}

void install_compile_hook() {
  static bool installed = false;
  if (!installed && PySys_AddAuditHook(on_audit, nullptr) == 0) {
    installed = true;
  }
}

} // namespace hasten::bindings
