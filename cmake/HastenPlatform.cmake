# What every target of Hasten is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# -O2 everywhere; the kernels, which are loops over memory, ask for -O3 (src/hasten/CMakeLists.txt).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the source, so that checkouts in several folders share what was compiled.
  set(CMAKE_C_COMPILER_LAUNCHER env CCACHE_NOHASHDIR=1 "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

add_library(hasten_flags INTERFACE)
target_compile_options(hasten_flags INTERFACE -Wall -Wextra -fvisibility=hidden
                       $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden> -ffunction-sections -fdata-sections
                       $<$<BOOL:${HASTEN_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(hasten_flags INTERFACE -Wno-restrict) # false alarms on std::string: GCC's bug 105651
endif()
if(HASTEN_SANITIZE)
  target_compile_options(hasten_flags INTERFACE -fsanitize=${HASTEN_SANITIZE} -fno-omit-frame-pointer)
  if(HASTEN_SANITIZE MATCHES "undefined") # LLVM has no type information, and so the layers above it have none
    target_compile_options(hasten_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(hasten_flags INTERFACE -fsanitize=${HASTEN_SANITIZE})
endif()
if(HASTEN_IR_CHECKS OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(hasten_flags INTERFACE HASTEN_IR_CHECKS=1)
endif()
target_compile_definitions(hasten_flags INTERFACE HASTEN_VERSION="${PROJECT_VERSION}")
