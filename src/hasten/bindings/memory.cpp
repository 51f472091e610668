#include "hasten/bindings/memory.h"

#include "hasten/bindings/gil.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/memo/memory_digest.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// Above that other threads run meanwhile; below it the hand-over would take longer than the work.
constexpr size_t kWorthTheHandOver = size_t{1} << 22;

nb::bytes digest_of(std::string_view bytes) {
  base::Digest digest;
  if (bytes.size() < kWorthTheHandOver) {
    digest = memo::memory_digest(bytes);
  } else {
    const WithoutGil others_run;
    digest = memo::memory_digest(bytes);
  }
  return nb::bytes(digest.bytes.data(), digest.bytes.size());
}

nb::bytes memory_digest(nb::handle object) {
  // NumPy's dates and records don't offer a buffer.
  if (find_numpy() && PyArray_Check(object.ptr())) {
    auto* array = reinterpret_cast<PyArrayObject*>(object.ptr());
    if (PyArray_IS_C_CONTIGUOUS(array) || PyArray_IS_F_CONTIGUOUS(array)) {
      return digest_of({PyArray_BYTES(array), static_cast<size_t>(PyArray_NBYTES(array))});
    }
  }
  Py_buffer view;
  if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_SIMPLE) != 0) {
    nb::raise_python_error();
  }
  const nb::bytes digest = digest_of({static_cast<const char*>(view.buf), static_cast<size_t>(view.len)});
  PyBuffer_Release(&view);
  return digest;
}

} // namespace

void add_memory_functions(nb::module_& m) {
  m.def("memory_digest", memory_digest, nb::arg("buffer"), nb::sig("def memory_digest(buffer: object) -> bytes"),
        "Return 16 bytes that tell the content of a contiguous buffer or array from others.");
}

} // namespace hasten::bindings
