# BOURSE_SANITIZE=address,undefined or thread: set by the presets asan-ubsan and tsan.
set(BOURSE_SANITIZE "" CACHE STRING "Sanitizers to build with, as given to -fsanitize=")
if(BOURSE_SANITIZE)
  # A report must fail the test that caused it, so undefined behaviour does not recover.
  add_compile_options(-fsanitize=${BOURSE_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BOURSE_SANITIZE})
endif()
