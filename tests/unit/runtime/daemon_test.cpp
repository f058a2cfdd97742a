#include "runtime/daemon.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

TEST_CASE("a pid file names its process, keeps a second one out and goes away with it") {
  test::TempDir dir;
  const std::string path = dir.file("pid");
  {
    const auto mine = PidFile::take(path);
    REQUIRE(mine.ok());
    std::string text;
    std::getline(std::ifstream(path), text);
    REQUIRE(text == std::to_string(getpid()));
    const auto second = PidFile::take(path);
    REQUIRE(second.error().code == ErrorCode::conflict);
    REQUIRE(second.error().message.find(text) != std::string::npos);
    REQUIRE(std::filesystem::exists(path));
  }
  REQUIRE_FALSE(std::filesystem::exists(path));
  REQUIRE_FALSE(PidFile::take("/no/such/dir/pid").ok());
}

TEST_CASE("a pid file left by a killed process does not block the next one") {
  test::TempDir dir;
  const std::string path = dir.file("pid");
  const pid_t child = fork();
  if (child == 0) {
    const auto held = PidFile::take(path);
    _exit(held.ok() ? 0 : 1);  // without destructors, as a kill would
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(status == 0);
  REQUIRE(std::filesystem::exists(path));
  REQUIRE(PidFile::take(path).ok());
}

TEST_CASE("directories are made with their parents, and what is in the way is named") {
  test::TempDir dir;
  REQUIRE(make_directories(dir.file("a/b/c")).ok());
  REQUIRE(make_directories(dir.file("a/b/c")).ok());
  { std::ofstream(dir.file("file")) << "x"; }
  const Status blocked = make_directories(dir.file("file/sub"));
  REQUIRE_FALSE(blocked.ok());
  REQUIRE(blocked.error().message.find("file/sub") != std::string::npos);
  REQUIRE_FALSE(make_directories(dir.file("file")).ok());
}

TEST_CASE("only loopback may be listened on without authentication or --insecure") {
  for (const char* local : {"127.0.0.1", "127.8.9.1", "::1", "localhost"}) {
    CAPTURE(local);
    REQUIRE(check_bind_address(local, false, false).ok());
  }
  for (const char* open : {"0.0.0.0", "::", "10.0.0.1", "*", "", "localhost.example",
                           "127.0.0.1.example", "128.0.0.1"}) {
    CAPTURE(open);
    const Status status = check_bind_address(open, false, false);
    REQUIRE(status.error().code == ErrorCode::denied);
    REQUIRE(status.error().message.find("--insecure") != std::string::npos);
    REQUIRE(check_bind_address(open, true, false).ok());
    REQUIRE(check_bind_address(open, false, true).ok());
  }
}

TEST_CASE("the descriptor limit is raised to the hard limit") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max, 256);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  REQUIRE(raise_descriptor_limit() == before.rlim_max);
}

}  // namespace
}  // namespace bourse::runtime
