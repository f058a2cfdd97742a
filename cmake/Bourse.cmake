# The three ways a room declares what it is made of. A room never names compile flags itself.
#
#   bourse_library(NAME bourse_base SOURCES a.cpp b.cpp DEPS other)
#       a static library, or an INTERFACE one without sources
#   bourse_executable(NAME bourse-master SOURCES main.cpp DEPS ...)
#       a binary in <build>/bin
#   bourse_test(NAME base SOURCES id_test.cpp DEPS bourse_base [TIMEOUT s])
#       a Catch2 binary test_base and a ctest entry "unit.base"
include(${CMAKE_CURRENT_LIST_DIR}/Batches.cmake)

function(bourse_target_flags target scope)
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR})
  if(NOT scope STREQUAL "INTERFACE")
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
      # g++ 12 takes the members of a variant that is not active for uninitialised ones, and string
      # concatenation for overlapping memory or one out of bounds, once it optimises. Sanitizers
      # watch all of it.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict
                                               -Wno-array-bounds -Wno-stringop-overflow
                                               -Wno-stringop-overread)
    endif()
    if(BOURSE_WERROR)
      target_compile_options(${target} PRIVATE -Werror)
    endif()
  endif()
endfunction()

# Where many units begin with the same large headers half of a cold build went into reading them.
# Other presets leave this out, so that each file still has to include what it uses.
option(BOURSE_PRECOMPILE "Precompile the headers that a room's files share" OFF)
function(bourse_precompile target)
  if(BOURSE_PRECOMPILE)
    list(PREPEND ARGN ${bourse_standard_headers})
    # Quoted: found as any file would find them, and no path of this machine in what ccache keeps.
    list(TRANSFORM ARGN REPLACE "^([^<].*)$" "\"\\1\"" OUTPUT_VARIABLE headers)
    target_precompile_headers(${target} PRIVATE ${headers})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -fpch-preprocess)  # or ccache takes none of it
    endif()
  endif()
endfunction()

# What every other room begins with: the standard library's headers, read once for all libraries,
# once for all programs and once, with Catch2, for all tests. Once for each set of flags, because
# the compiler takes a precompiled header only under those that made it.
set(bourse_standard_headers
    <algorithm> <array> <atomic> <chrono> <cstdint> <cstdio> <cstdlib> <cstring> <deque>
    <filesystem> <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <sstream>
    <string> <string_view> <thread> <tuple> <unordered_map> <unordered_set> <utility> <variant>
    <vector>)
function(bourse_precompile_shared)
  # Compiled for its flags alone.
  set(nothing ${CMAKE_BINARY_DIR}/nothing.cpp)
  file(CONFIGURE OUTPUT ${nothing} CONTENT "int main() {}\n")
  add_library(bourse_standard OBJECT EXCLUDE_FROM_ALL ${nothing})
  bourse_target_flags(bourse_standard PUBLIC)
  add_executable(bourse_standard_program EXCLUDE_FROM_ALL ${nothing})
  bourse_target_flags(bourse_standard_program PRIVATE)
  add_executable(bourse_standard_test EXCLUDE_FROM_ALL ${nothing})
  bourse_test_flags(bourse_standard_test)
  bourse_precompile(bourse_standard)
  bourse_precompile(bourse_standard_program)
  bourse_precompile(bourse_standard_test <catch2/catch.hpp>)
endfunction()

# At the end of a room: one that has precompiled headers of its own stays with them.
function(bourse_reuse target from)
  cmake_language(EVAL CODE "cmake_language(DEFER CALL bourse_reuse_now [[${target}]] ${from})")
  bourse_batched(${target})
endfunction()
function(bourse_reuse_now target from)
  get_target_property(own ${target} PRECOMPILE_HEADERS)
  if(BOURSE_PRECOMPILE AND NOT own)
    target_precompile_headers(${target} REUSE_FROM ${from})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # Rooms in C take no notice of it.
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    endif()
  endif()
endfunction()

function(bourse_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${ARG_NAME} STATIC ${ARG_SOURCES})
    bourse_target_flags(${ARG_NAME} PUBLIC)
    target_link_libraries(${ARG_NAME} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
    bourse_reuse(${ARG_NAME} bourse_standard)
  else()
    add_library(${ARG_NAME} INTERFACE)
    bourse_target_flags(${ARG_NAME} INTERFACE)
    target_link_libraries(${ARG_NAME} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# What `./dev demo` and `./dev bench` build: everything that is no test.
add_custom_target(programs)
add_custom_target(benches)

function(bourse_executable)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  if(ARG_NAME MATCHES "^(bench|floor)-")
    add_dependencies(benches ${ARG_NAME})
  else()
    add_dependencies(programs ${ARG_NAME})
  endif()
  bourse_target_flags(${ARG_NAME} PRIVATE)
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS})
  bourse_reuse(${ARG_NAME} bourse_standard_program)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# A third of the master's time was glibc's malloc: its threads free what others made. Sanitizers
# bring an allocator of their own. Named before libc, or it would not be asked.
function(bourse_many_allocations target)
  if(NOT BOURSE_SANITIZE)
    find_library(MIMALLOC_LIBRARY mimalloc REQUIRED)
    target_link_options(${target} PRIVATE -Wl,--no-as-needed)
    target_link_libraries(${target} PRIVATE ${MIMALLOC_LIBRARY})
  endif()
endfunction()

# What tests are made of is compiled for little time, not for speed; what they test is what ships.
function(bourse_test_flags target)
  bourse_target_flags(${target} PUBLIC)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# All tests share one compiled Catch2 main: it costs ten seconds once instead of per binary.
function(bourse_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT;KIND" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_KIND)
    set(ARG_KIND unit)
  endif()
  add_executable(test_${ARG_NAME} ${ARG_SOURCES})
  bourse_test_flags(test_${ARG_NAME})
  target_link_libraries(test_${ARG_NAME} PRIVATE bourse_test_main ${ARG_DEPS})
  bourse_reuse(test_${ARG_NAME} bourse_standard_test)
  set_target_properties(test_${ARG_NAME} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  add_test(NAME ${ARG_KIND}.${ARG_NAME} COMMAND test_${ARG_NAME})
  set_tests_properties(${ARG_KIND}.${ARG_NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
                                                          LABELS ${ARG_KIND})
  if(BOURSE_SANITIZE STREQUAL "thread")
    set(known "suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp")
    set_tests_properties(${ARG_KIND}.${ARG_NAME} PROPERTIES ENVIRONMENT "TSAN_OPTIONS=${known}")
  endif()
endfunction()
