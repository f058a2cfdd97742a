#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace bourse {

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: ASSERT failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace bourse
