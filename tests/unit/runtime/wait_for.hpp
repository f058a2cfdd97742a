// Test support: run a loop until a condition holds or a deadline passes; a directory that goes
// away.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/clock.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime::test {

// True as soon as `condition()` holds; false after `limit`.
template <typename Condition>
bool run_until(Loop& loop, Condition condition, Duration limit = Duration::seconds(10)) {
  const Instant deadline = monotonic_now() + limit;
  while (!condition()) {
    if (monotonic_now() >= deadline) return false;
    loop.run_for(Duration::milliseconds(2));
  }
  return true;
}

class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp") {
    std::string pattern = parent + "/bourse-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace bourse::runtime::test
