# slipway_module(NAME [LIBRARIES ...]) makes src/NAME into the library slipway_NAME and, from its *_test.cpp
# files, the program NAME_test. Both may use only what tools/layers.txt allows NAME: a call upwards does not link.
file(STRINGS ${CMAKE_SOURCE_DIR}/tools/layers.txt SLIPWAY_LAYERS REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/layers.txt)

# One precompiled header for all: Boost.JSON, Describe and fmt cost seconds in every file otherwise.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch/pch.cpp CONTENT "") # Written only once: it would be compiled anew.
add_library(slipway_pch STATIC ${CMAKE_BINARY_DIR}/pch/pch.cpp)
target_link_libraries(slipway_pch PUBLIC fmt::fmt Boost::headers)
target_precompile_headers(slipway_pch PRIVATE <algorithm> <chrono> <filesystem> <functional> <map> <memory> <mutex>
  <optional> <span> <string> <string_view> <thread> <unordered_map> <vector> <fmt/format.h> <boost/describe.hpp> <boost/json.hpp>)

function(slipway_allowed_modules NAME OUT)
  set(allowed "")
  foreach(line IN LISTS SLIPWAY_LAYERS)
    if(line MATCHES "^${NAME}:([^#]*)")
      separate_arguments(allowed UNIX_COMMAND "${CMAKE_MATCH_1}")
      set(${OUT} ${allowed} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "module ${NAME} is not in tools/layers.txt")
endfunction()

function(slipway_target TARGET)
  # The precompiled header serves only what is compiled with its own flags, and it is made for libraries.
  get_target_property(type ${TARGET} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${TARGET} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${TARGET} PRIVATE -fPIC)
  endif()
  target_include_directories(${TARGET} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_precompile_headers(${TARGET} REUSE_FROM slipway_pch)
endfunction()

function(slipway_tests NAME LIBRARY)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*_test.cpp ${CMAKE_SOURCE_DIR}/src/${NAME}/detail/*_test.cpp)
  if(NOT tests)
    return()
  endif()
  add_executable(${NAME}_test ${tests} ${CMAKE_SOURCE_DIR}/tests/doctest_main.cpp)
  slipway_target(${NAME}_test)
  target_link_libraries(${NAME}_test PRIVATE ${LIBRARY} doctest::doctest)
  target_compile_definitions(${NAME}_test PRIVATE
    SLIPWAY_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data/${NAME}" SLIPWAY_TEST_MODELS="${SLIPWAY_DEPS_PREFIX}/models")
  # Not in a sibling of share/: a test of an empty catalog must not find the models there.
  set_target_properties(${NAME}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/unit)
  add_test(NAME ${NAME} COMMAND ${NAME}_test)
  set(timeout 300)
  if(SLIPWAY_SANITIZE)
    set(timeout 1800)
  endif()
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${timeout}
    ENVIRONMENT "SLIPWAY_ONNXRUNTIME=${SLIPWAY_DEPS_PREFIX}/lib/libonnxruntime.so.1;SLIPWAY_MODELS=${SLIPWAY_DEPS_PREFIX}/models")
endfunction()

# src/NAME/x_bench.cpp becomes bench/x_bench: a program that measures one module from inside. Nobody measures what
# sanitizers slow down, so they are not built then unless they are named.
function(slipway_benches NAME LIBRARY)
  file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*_bench.cpp)
  foreach(source IN LISTS benches)
    get_filename_component(bench ${source} NAME_WE)
    add_executable(${bench} ${source})
    if(SLIPWAY_SANITIZE)
      set_target_properties(${bench} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    slipway_target(${bench})
    target_link_libraries(${bench} PRIVATE ${LIBRARY})
    set_target_properties(${bench} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endforeach()
endfunction()

function(slipway_module NAME)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*.cpp ${CMAKE_SOURCE_DIR}/src/${NAME}/detail/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$")
  if(NOT sources) # A module of headers only.
    set(sources ${CMAKE_BINARY_DIR}/pch/pch.cpp)
  endif()
  add_library(slipway_${NAME} STATIC ${sources})
  slipway_target(slipway_${NAME})
  slipway_allowed_modules(${NAME} modules)
  list(TRANSFORM modules PREPEND slipway_)
  target_link_libraries(slipway_${NAME} PUBLIC ${modules} PRIVATE ${ARG_LIBRARIES} PUBLIC fmt::fmt Boost::headers Threads::Threads)
  slipway_tests(${NAME} slipway_${NAME})
  slipway_benches(${NAME} slipway_${NAME})
endfunction()

# The build folder looks like an installation (bin, lib/slipway, share/slipway), so that the program finds its
# models and ONNX Runtime in both by the same rule: relative to itself. build/slipway is what people type.
function(slipway_program_surroundings PROGRAM)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bin ${CMAKE_BINARY_DIR}/lib/slipway ${CMAKE_BINARY_DIR}/share/slipway)
  file(CREATE_LINK bin/${PROGRAM} ${CMAKE_BINARY_DIR}/${PROGRAM} SYMBOLIC)
  file(CREATE_LINK ${SLIPWAY_DEPS_PREFIX}/models ${CMAKE_BINARY_DIR}/share/slipway/models SYMBOLIC)
  file(CREATE_LINK ${SLIPWAY_DEPS_PREFIX}/prices ${CMAKE_BINARY_DIR}/share/slipway/prices SYMBOLIC)
  file(CREATE_LINK ${SLIPWAY_DEPS_PREFIX}/lib/libonnxruntime.so.1 ${CMAKE_BINARY_DIR}/lib/slipway/libonnxruntime.so.1 SYMBOLIC)
endfunction()

# slipway_program(MODULE NAME program): the same, but main.cpp becomes the program.
function(slipway_program NAME)
  cmake_parse_arguments(ARG "" "NAME" "LIBRARIES" ${ARGN})
  slipway_module(${NAME} LIBRARIES CLI11::CLI11 ${ARG_LIBRARIES})
  add_executable(${ARG_NAME} ${CMAKE_SOURCE_DIR}/src/${NAME}/main/main.cpp)
  slipway_target(${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE slipway_${NAME})
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  slipway_program_surroundings(${ARG_NAME})
endfunction()
