#include "runtime/flags.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "runtime/units.hpp"

namespace bourse::runtime {
namespace {

Result<bool> parse(Flags& flags, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "bourse-test");
  return flags.parse(static_cast<int>(arguments.size()), arguments.data());
}

struct Values {
  std::string work_dir = "/var/lib/bourse";
  std::uint16_t port = 5050;
  bool insecure = false;
  Duration timeout = Duration::seconds(75);
  ByteSize size{64u << 20};
  std::vector<std::string> attributes;
  double factor = 1;
  Flags flags{"bourse-test", "A test.", "1.2.3"};

  Values() {
    flags.add("work-dir", work_dir, "where everything is kept");
    flags.add("port", port, "where to listen");
    flags.add("insecure", insecure, "let everybody in");
    flags.add("agent-timeout", timeout, "silence before an agent is unreachable");
    flags.add("max-size", size, "a size");
    flags.add("attribute", attributes, "name:value");
    flags.add("factor", factor, "a number");
  }
};

TEST_CASE("flags are given as --name=value or --name value, with dashes or underscores") {
  Values v;
  REQUIRE(parse(v.flags, {"--work-dir=/x", "--port", "7", "--insecure", "--agent_timeout=10ms",
                          "--max-size=1GB", "--attribute=a:b", "--attribute", "c:d"})
              .value());
  REQUIRE(v.work_dir == "/x");
  REQUIRE(v.port == 7);
  REQUIRE(v.insecure);
  REQUIRE(v.timeout == Duration::milliseconds(10));
  REQUIRE(v.size.bytes == 1u << 30);
  REQUIRE(v.attributes == std::vector<std::string>{"a:b", "c:d"});
}

TEST_CASE("a flag that is not given leaves its default, and the last of two wins") {
  Values v;
  REQUIRE(parse(v.flags, {"--port=1", "--port=2", "--no-insecure"}).value());
  REQUIRE(v.port == 2);
  REQUIRE_FALSE(v.insecure);
  REQUIRE(v.work_dir == "/var/lib/bourse");
  REQUIRE(v.timeout == Duration::seconds(75));
}

TEST_CASE("the environment gives flags too, and the command line wins over it") {
  setenv("BOURSE_WORK_DIR", "/env", 1);
  setenv("BOURSE_PORT", "9", 1);
  setenv("BOURSE_AGENT_TIMEOUT", "3mins", 1);
  Values v;
  const auto result = parse(v.flags, {"--port=8"});
  unsetenv("BOURSE_WORK_DIR");
  unsetenv("BOURSE_PORT");
  unsetenv("BOURSE_AGENT_TIMEOUT");
  REQUIRE(result.value());
  REQUIRE(v.work_dir == "/env");
  REQUIRE(v.port == 8);
  REQUIRE(v.timeout == Duration::seconds(180));
}

TEST_CASE("of the environment only the flags that were named are read") {
  std::string state, master;
  std::vector<std::string> files;
  bool all = false;
  Flags flags("bourse-test", "A test.");
  flags.read_environment_only_for({"master"});
  flags.add("state", state, "a state");
  flags.add("master", master, "a master");
  flags.add("all", all, "all");
  flags.add("file", files, "files");
  for (const char* name : {"BOURSE_STATE", "BOURSE_MASTER", "BOURSE_FILE"}) setenv(name, "x", 1);
  setenv("BOURSE_ALL", "true", 1);
  const auto result = parse(flags, {});
  for (const char* name : {"BOURSE_STATE", "BOURSE_MASTER", "BOURSE_FILE", "BOURSE_ALL"}) {
    unsetenv(name);
  }
  REQUIRE(result.value());
  CHECK(master == "x");
  CHECK(state.empty());
  CHECK(files.empty());
  CHECK_FALSE(all);
}

TEST_CASE("a flag that is unknown or wrong is one sentence that names it") {
  const std::vector<std::pair<std::vector<const char*>, std::vector<std::string>>> cases = {
      {{"--prot=1"}, {"--prot"}},
      {{"stray"}, {"stray"}},
      {{"--port=x"}, {"port", "x"}},
      {{"--port=70000"}, {"port", "70000"}},
      {{"--agent-timeout=5parsecs"}, {"agent-timeout", "5parsecs", "secs"}},
      {{"--max-size=-1MB"}, {"max-size", "negative"}},
      {{"--factor=1.2.3"}, {"factor"}},
      {{"--work-dir"}, {"work-dir"}},
  };
  for (const auto& [arguments, words] : cases) {
    CAPTURE(arguments[0]);
    Values v;
    const auto result = parse(v.flags, arguments);
    REQUIRE_FALSE(result.ok());
    CAPTURE(result.error().message);
    REQUIRE(result.error().message.find('\n') == std::string::npos);
    for (const std::string& word : words) {
      REQUIRE(result.error().message.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("a required flag that is missing is an error that names it") {
  Values v;
  v.flags.require("work-dir");
  const auto result = parse(v.flags, {});
  REQUIRE(result.error().message.find("work-dir") != std::string::npos);
}

TEST_CASE("help shows every flag with its default, version the version") {
  Values v;
  REQUIRE_FALSE(parse(v.flags, {"--help"}).value());
  for (const char* part : {"--work-dir", "/var/lib/bourse", "75secs", "where to listen"}) {
    CAPTURE(part, v.flags.output());
    REQUIRE(v.flags.output().find(part) != std::string::npos);
  }
  Values w;
  REQUIRE_FALSE(parse(w.flags, {"--version"}).value());
  REQUIRE(w.flags.output() == "1.2.3\n");
}

TEST_CASE("durations are read and written in every unit that Mesos writes") {
  const std::pair<const char*, Duration> kUnits[] = {
      {"3ns", Duration::nanoseconds(3)},     {"3us", Duration::microseconds(3)},
      {"3ms", Duration::milliseconds(3)},    {"3secs", Duration::seconds(3)},
      {"3mins", Duration::seconds(180)},     {"3hrs", Duration::seconds(10'800)},
      {"3days", Duration::seconds(259'200)}, {"3weeks", Duration::seconds(1'814'400)},
  };
  for (const auto& [text, duration] : kUnits) {
    CAPTURE(text);
    CHECK(parse_duration(text).value() == duration);
    CHECK(duration_text(duration) == text);
  }
}

TEST_CASE("the flags given are listed for the log without the values of secrets") {
  Flags flags("x", "y");
  std::string token;
  std::string name;
  flags.add("auth-token", token, "");
  flags.add("name", name, "");
  std::string zk;
  flags.add("zk", zk, "");
  REQUIRE(
      parse(flags, {"--auth-token=hunter2", "--name=n", "--zk=zk://u:p/w@h:1,i:2/path"}).value());
  REQUIRE(flags.given() ==
          std::vector<std::pair<std::string, std::string>>{
              {"auth-token", "***"}, {"name", "n"}, {"zk", "zk://***@h:1,i:2/path"}});
}

TEST_CASE("positional words are collected only where they are expected") {
  Flags flags("x", "y");
  std::vector<std::string> words;
  bool flag = false;
  flags.add("json", flag, "");
  flags.positional("words", words, "");
  REQUIRE(parse(flags, {"agents", "--json", "S1"}).value());
  REQUIRE(words == std::vector<std::string>{"agents", "S1"});
  REQUIRE(flag);
}

TEST_CASE("durations and sizes are read as Mesos writes them") {
  REQUIRE(parse_duration("5secs").value() == Duration::seconds(5));
  REQUIRE(parse_duration("1.5hrs").value() == Duration::seconds(5400));
  REQUIRE(parse_duration("250us").value() == Duration::microseconds(250));
  REQUIRE(parse_duration("2weeks").value() == Duration::seconds(1209600));
  REQUIRE(parse_duration("0ns").value() == Duration{});
  for (const char* bad : {"", "5", "secs", "-5secs", "5 parsecs", "1e3secs", "nansecs", "infsecs",
                          "99999999999999weeks", "5secs5secs"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_duration(bad).ok());
  }
  REQUIRE(parse_bytes("64MB").value() == 64u << 20);
  REQUIRE(parse_bytes("1.5KB").value() == 1536);
  REQUIRE(parse_bytes("10").value() == 10);
  REQUIRE(parse_bytes("2TB").value() == 2ull << 40);
  for (const char* bad : {"", "MB", "-1MB", "1XB", "99999999999TB", "1e9MB"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_bytes(bad).ok());
  }
  REQUIRE(duration_text(Duration::seconds(5400)) == "90mins");
  REQUIRE(duration_text(Duration::milliseconds(1500)) == "1500ms");
  REQUIRE(parse_duration(duration_text(Duration::seconds(75))).value() == Duration::seconds(75));
}

}  // namespace
}  // namespace bourse::runtime
