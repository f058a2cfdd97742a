#include "runtime/log.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("a log line shows its fields and quotes what needs quoting") {
  REQUIRE(render_log_line("agent registered", {{"agent", "S1"}, {"cpus", 4}, {"ok", true}}) ==
          "agent registered agent=S1 cpus=4 ok=true");
  REQUIRE(render_log_line("m", {{"a", "two words"}, {"b", ""}, {"c", "say \"x\""}}) ==
          "m a=\"two words\" b=\"\" c=\"say \\\"x\\\"\"");
}

TEST_CASE("a value cannot forge a second log line") {
  const std::string line = render_log_line("m", {{"name", "x\n2026 E forged\x1b[31m"}});
  REQUIRE(line == "m name=\"x\\n2026 E forged\\x1b[31m\"");
}

TEST_CASE("the value of a field that names a secret is never written") {
  const std::string line = render_log_line(
      "login", {{"token", "hunter2"}, {"curve_secret_key", "hunter2"}, {"user", "ann"}});
  REQUIRE(line == "login token=*** curve_secret_key=*** user=ann");
}

TEST_CASE("a log file gets the lines at or above its level, and is reopened after a rotation") {
  test::TempDir dir;
  const std::string path = dir.file("log");
  REQUIRE(log_open({.level = LogLevel::info, .path = path, .program = "test"}).ok());
  log_info("first");
  log_debug("hidden");
  std::filesystem::rename(path, path + ".1");
  REQUIRE(log_reopen().ok());
  log_warning("second {} braces", {{"k", "{}"}});
  REQUIRE(log_open({}).ok());
  REQUIRE(read_all(path + ".1").find(" I test first\n") != std::string::npos);
  REQUIRE(read_all(path + ".1").find("hidden") == std::string::npos);
  REQUIRE(read_all(path).find(" W test second {} braces k={}\n") != std::string::npos);
}

TEST_CASE("a log file that cannot be opened is an error that names the path") {
  const Status status =
      log_open({.level = LogLevel::info, .path = "/proc/no/such/log", .program = ""});
  REQUIRE_FALSE(status.ok());
  REQUIRE(status.error().message.find("/proc/no/such/log") != std::string::npos);
  REQUIRE_FALSE(parse_log_level("loud").ok());
  REQUIRE(parse_log_level("debug").value() == LogLevel::debug);
}

}  // namespace
}  // namespace bourse::runtime
