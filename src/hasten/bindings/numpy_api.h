// NumPy's C API, shared by all files of the bindings. module.cpp imports it, once, before anything else runs.
#pragma once

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL hasten_array_api
#define PY_UFUNC_UNIQUE_SYMBOL hasten_ufunc_api
#ifndef HASTEN_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif

#include <Python.h>

#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>
