// ASSERT: always on, in every build, for our own bugs only. Nothing that arrives from outside (a
// message, a file, a flag, the kernel) may ever make one fire: that is what Result is for.
// Prints the condition and place to stderr and aborts. Any thread.
#pragma once

namespace bourse {

[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace bourse

#define ASSERT(condition)                                      \
  do {                                                         \
    if (!(condition)) [[unlikely]] {                           \
      ::bourse::assert_failed(#condition, __FILE__, __LINE__); \
    }                                                          \
  } while (false)

#define UNREACHABLE() ::bourse::assert_failed("unreachable", __FILE__, __LINE__)
