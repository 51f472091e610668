# The C++ library as users get it: one file of all layers up to `library`, the public headers, and a package for find_package(hasten).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
find_package(Threads REQUIRED)

set(objects)
foreach(layer base abi memo parallel shm pool library)
  list(APPEND objects $<TARGET_OBJECTS:hasten_${layer}>)
endforeach()
add_library(hasten ${objects})
add_library(hasten::hasten ALIAS hasten)
set_target_properties(hasten PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(hasten PUBLIC cxx_std_20)
target_include_directories(hasten PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                                         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(hasten PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:hasten_flags>)

# Parts of the engine whose templates the public headers use.
set(headers_of_engine base/export.h memo/policy.h memo/table.h)
foreach(header IN LISTS headers_of_engine)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${PROJECT_SOURCE_DIR}/src/hasten/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hasten/${folder}" COMPONENT cpp)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/hasten" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT cpp)

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/hasten")
if(HASTEN_PYTHON)
  # Who builds for Python makes the extension alone; the library is made when somebody installs it.
  install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" --build \"${PROJECT_BINARY_DIR}\" --target hasten COMMAND_ERROR_IS_FATAL ANY)"
          COMPONENT cpp)
endif()
install(TARGETS hasten EXPORT hasten COMPONENT cpp)
install(EXPORT hasten NAMESPACE hasten:: FILE hastenTargets.cmake DESTINATION "${package}" COMPONENT cpp)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/hastenConfig.cmake.in" "${PROJECT_BINARY_DIR}/hastenConfig.cmake"
                              INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/hastenConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/hastenConfig.cmake" "${PROJECT_BINARY_DIR}/hastenConfigVersion.cmake" DESTINATION "${package}"
        COMPONENT cpp)
