# What was compiled once is not compiled again, in whatever directory, where there is ccache.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_CURRENT_LIST_DIR}/../tools/cached_compile.sh
                                  ${CCACHE_PROGRAM})
endif()
