# The three ways a room declares what it is made of. A room never names compile flags itself.
#
#   bourse_library(NAME bourse_base SOURCES a.cpp b.cpp DEPS other)
#       a static library, or an INTERFACE one without sources
#   bourse_executable(NAME bourse-master SOURCES main.cpp DEPS ...)
#       a binary in <build>/bin
#   bourse_test(NAME base SOURCES id_test.cpp DEPS bourse_base [TIMEOUT s])
#       a Catch2 binary test_base and a ctest entry "unit.base"

function(bourse_target_flags target scope)
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR})
  if(NOT scope STREQUAL "INTERFACE")
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
      # g++ 12 takes the members of a variant that is not active for uninitialised ones, and string
      # concatenation for overlapping memory, once it optimises. Sanitizers watch both.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict)
    endif()
    if(BOURSE_WERROR)
      target_compile_options(${target} PRIVATE -Werror)
    endif()
  endif()
endfunction()

# In rooms whose files all begin with the same large headers half of a cold build went into reading
# them. Other presets leave this out, so that each file still has to include what it uses.
option(BOURSE_PRECOMPILE "Precompile the headers that a room's files share" OFF)
function(bourse_precompile target)
  if(BOURSE_PRECOMPILE)
    # Quoted: found as any file would find them, and no path of this machine in what ccache keeps.
    list(TRANSFORM ARGN REPLACE "^([^<].*)$" "\"\\1\"" OUTPUT_VARIABLE headers)
    target_precompile_headers(${target} PRIVATE ${headers})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -fpch-preprocess)  # or ccache takes none of it
    endif()
  endif()
endfunction()

function(bourse_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${ARG_NAME} STATIC ${ARG_SOURCES})
    bourse_target_flags(${ARG_NAME} PUBLIC)
    target_link_libraries(${ARG_NAME} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
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
