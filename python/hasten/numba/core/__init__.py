"""The modules that programs written for numba name: types, errors, config, utils, typing, extending, runtime."""
