# The parts of others: Python, nanobind, NumPy's headers and LLVM, all found through the building interpreter.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

# hasten_ask_python(RESULT MODULE EXPRESSION): what an expression of an imported module gives.
function(hasten_ask_python result module expression)
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "import ${module}; print(${expression})" OUTPUT_STRIP_TRAILING_WHITESPACE
                  OUTPUT_VARIABLE answer COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()

hasten_ask_python(nanobind_ROOT nanobind "nanobind.cmake_dir()")
find_package(nanobind CONFIG REQUIRED)

hasten_ask_python(HASTEN_NUMPY_INCLUDE numpy "numpy.get_include()")

hasten_ask_python(LLVM_DIR mlc_llvm_static "mlc_llvm_static.get_cmake_dir()")
hasten_ask_python(HASTEN_LLVM_PREFIX mlc_llvm_static "mlc_llvm_static.get_prefix()")
list(APPEND CMAKE_PREFIX_PATH "${HASTEN_LLVM_PREFIX}")
set(ZLIB_USE_STATIC_LIBS ON)
find_package(LLVM CONFIG REQUIRED)
