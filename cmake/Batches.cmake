# Several files of a room compiled as one: 40 % of a file's time went into reading headers, and each
# file made the same templates anew. Other presets leave this out, so that each file still has to
# include what it uses, and that a change compiles one file.
#
#   bourse_batch(TARGET FILES 4 ALONE a.cpp)
#       FILES: how many of this room are one, eight unless it is said; 1 leaves each alone.
#       ALONE: those that a program can link the room without.
option(BOURSE_BATCHES "Compile several files of a room as one" OFF)
set(bourse_batch_files 8)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH bourse_root)

function(bourse_batch target)
  cmake_parse_arguments(ARG "" "FILES" "ALONE" ${ARGN})
  set_target_properties(${target} PROPERTIES BOURSE_BATCH_FILES "${ARG_FILES}"
                                             BOURSE_BATCH_ALONE "${ARG_ALONE}")
endfunction()

function(bourse_batched target)
  cmake_language(EVAL CODE "cmake_language(DEFER CALL bourse_batch_now [[${target}]])")
endfunction()

# At the end of a room, when its sources and flags are known. Not CMake's UNITY_BUILD, which writes
# paths of this machine into what is compiled: ccache would know none of it in another directory.
function(bourse_batch_now target)
  get_target_property(most ${target} BOURSE_BATCH_FILES)
  get_target_property(alone ${target} BOURSE_BATCH_ALONE)
  if(NOT most)
    set(most ${bourse_batch_files})
  endif()
  if(NOT BOURSE_BATCHES OR most EQUAL 1)
    return()
  endif()
  set(units "")
  set(names "")
  set(files "")
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    bourse_name_in_batch(${source} name)
    if(name AND NOT source IN_LIST alone)
      list(APPEND names ${name})
      list(APPEND files ${source})
    else()
      list(APPEND units ${source})
    endif()
  endforeach()
  list(LENGTH names count)
  if(count LESS 2)
    return()
  endif()
  math(EXPR batches "(${count} + ${most} - 1) / ${most}")
  foreach(batch RANGE 1 ${batches})
    # Of equal size: the last one would be waited for, or be hardly worth reading its headers.
    math(EXPR first "${count} * (${batch} - 1) / ${batches}")
    math(EXPR length "${count} * ${batch} / ${batches} - ${first}")
    list(SUBLIST names ${first} ${length} together)
    list(TRANSFORM together REPLACE "(.+)" "#include \"\\1\"\n")
    list(JOIN together "" text)
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/batches/${target}_${batch}.cpp)
    file(CONFIGURE OUTPUT ${unit} CONTENT "${text}")
    list(APPEND units ${unit})
  endforeach()
  set_target_properties(${target} PROPERTIES SOURCES "${units}")
  bourse_each_file(${target} "${files}")
endfunction()

# As an #include finds it; nothing for what is compiled alone: C, what has flags of its own, and
# what the build writes.
function(bourse_name_in_batch source result)
  get_source_file_property(path ${source} LOCATION)
  get_source_file_property(flags ${source} COMPILE_OPTIONS)
  cmake_path(IS_PREFIX CMAKE_BINARY_DIR ${path} written)
  if(path MATCHES "\\.cpp$" AND NOT flags AND NOT written)
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${bourse_root})
    set(${result} ${path} PARENT_SCOPE)
  else()
    set(${result} "" PARENT_SCOPE)
  endif()
endfunction()

# How each file would be compiled alone, for ./dev lint and editors, who ask compile_commands.json.
# Nobody builds it.
function(bourse_each_file target files)
  add_library(${target}_each OBJECT EXCLUDE_FROM_ALL ${files})
  foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS INCLUDE_DIRECTORIES LINK_LIBRARIES)
    get_target_property(value ${target} ${property})
    if(value)
      set_target_properties(${target}_each PROPERTIES ${property} "${value}")
    endif()
  endforeach()
endfunction()
