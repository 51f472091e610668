# The parts of others: Python, nanobind, NumPy's headers, LLVM and oneTBB, all found through the building interpreter.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

function(hasten_ask_python result)
  execute_process(COMMAND "${Python_EXECUTABLE}" ${ARGN} OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE answer
                  COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()

hasten_ask_python(nanobind_ROOT -m nanobind --cmake_dir)
find_package(nanobind CONFIG REQUIRED)

hasten_ask_python(HASTEN_NUMPY_INCLUDE -c "import numpy; print(numpy.get_include())")

hasten_ask_python(LLVM_DIR -m mlc_llvm_static.config --cmake-dir)
hasten_ask_python(HASTEN_LLVM_PREFIX -m mlc_llvm_static.config --prefix)
list(APPEND CMAKE_PREFIX_PATH "${HASTEN_LLVM_PREFIX}")
set(ZLIB_USE_STATIC_LIBS ON)
find_package(LLVM CONFIG REQUIRED)

# The wheel tbb-devel puts its files into the prefix of the environment that it is installed in.
hasten_ask_python(HASTEN_TBB_ROOT -c "import importlib.metadata as m; print(next(f.locate().resolve().parents[3] for f in m.files('tbb-devel') if f.name == 'TBBConfig.cmake'))")
find_package(TBB CONFIG REQUIRED HINTS "${HASTEN_TBB_ROOT}/lib/cmake/tbb" "${HASTEN_TBB_ROOT}/cmake/tbb" "${HASTEN_TBB_ROOT}")
