# BOURSE_SANITIZE=address,undefined or thread: set by the presets asan-ubsan and tsan.
set(BOURSE_SANITIZE "" CACHE STRING "Sanitizers to build with, as given to -fsanitize=")
if(BOURSE_SANITIZE)
  # A report must fail the test that caused it, so undefined behaviour does not recover.
  add_compile_options(-fsanitize=${BOURSE_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BOURSE_SANITIZE})
  if(BOURSE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio's fences: its locks are what orders memory
    # Protobuf's maps are laid out otherwise where this is set, and its library was built without.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
endif()
