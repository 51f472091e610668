// NumPy's C API, shared by all files of the bindings. It is imported when the first value of NumPy's is seen or made (numpy_import.h), for
// programs that don't use NumPy needn't wait for it. Until then only the checks below may be used.
#pragma once

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
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

#include "hasten/bindings/numpy_import.h"

// NumPy's own macros read the C API; before that is there, no object is NumPy's.
#undef PyArray_Check
#define PyArray_Check(object) (hasten::bindings::has_numpy() && PyObject_TypeCheck(object, &PyArray_Type))
#undef PyArray_IsScalar
#define PyArray_IsScalar(object, name) (hasten::bindings::has_numpy() && PyObject_TypeCheck(object, &Py##name##ArrType_Type))
