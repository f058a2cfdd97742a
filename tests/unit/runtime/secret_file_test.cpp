#include "runtime/secret_file.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/unit/runtime/wait_for.hpp"

using namespace bourse;
using namespace bourse::runtime;

namespace {

std::string written(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

}  // namespace

TEST_CASE("a file with secrets is read when it is its owner's or his group's") {
  const test::TempDir dir;
  CHECK(read_secret_file(written(dir.file("a"), "kept", 0600)).value() == "kept");
  CHECK(read_secret_file(written(dir.file("b"), "kept", 0640)).value() == "kept");
}

TEST_CASE("a file with secrets that everybody may read or change is refused and says the way out") {
  const test::TempDir dir;
  for (const mode_t mode : {0644, 0602, 0601}) {
    const auto read = read_secret_file(written(dir.file("open"), "kept", mode));
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("chmod 600 " + dir.file("open")) != std::string::npos);
    CHECK(read.error().message.find("kept") == std::string::npos);
  }
}

TEST_CASE("what is no file with secrets holds nobody up") {
  const test::TempDir dir;
  REQUIRE(::mkfifo(dir.file("pipe").c_str(), 0600) == 0);
  CHECK(read_secret_file(dir.file("pipe")).error().message == dir.file("pipe") + ": is not a file");
  CHECK(read_secret_file(dir.file("none")).error().code == ErrorCode::io);
  const std::string big(kMaxSecretFileBytes + 1, 'x');
  CHECK(read_secret_file(written(dir.file("big"), big, 0600)).error().code == ErrorCode::too_large);
}
