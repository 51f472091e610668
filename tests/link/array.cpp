#include "hasten/array/dtype.h"

int main() { return hasten::array::name_of(hasten::array::DType::kFloat64) == "float64" ? 0 : 1; }
