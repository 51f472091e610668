// What compiled code uses of NumPy beside its inner loops: its BLAS and the state of numpy.random.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace hasten::bindings {

// Hands NumPy's BLAS to the kernels where one of these symbols computes products. Once; cheap after that. GIL held.
void prepare_numpy_services(const std::vector<std::string>& symbols);

// Whether code that calls these symbols draws from numpy.random's stream.
bool draws_random(const std::vector<std::string>& symbols);

// While it lives, kernels draw from numpy.random's own generator, and nobody else does: it holds that generator's lock. GIL held.
class RandomStream {
public:
  RandomStream();
  ~RandomStream();
  RandomStream(const RandomStream&) = delete;
  RandomStream& operator=(const RandomStream&) = delete;

  bool is_open() const { return open_; } // false: a Python error is set

private:
  nanobind::object lock_;
  bool open_ = false;
};

} // namespace hasten::bindings
