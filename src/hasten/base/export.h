// What users of the C++ library may link against; everything else stays inside the shared library.
#pragma once

#define HASTEN_API __attribute__((visibility("default")))
