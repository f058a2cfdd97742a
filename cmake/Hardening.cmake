# Flags that every Release binary is built with. Debug and sanitizer builds leave them out: FORTIFY
# fights the sanitizers.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)

# No NDEBUG: the standard library's and other people's asserts stay on, as ours do.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT BOURSE_SANITIZE)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
                      -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()
