#include "cli/words.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::cli;

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("flags that every command has may stand before its name") {
  for (const Words& words :
       {Words{"--master=a:1", "--json", "state"}, Words{"--master=a:1", "state", "--json"},
        Words{"state", "--master=a:1", "--json"}}) {
    const auto said = spoken(words);
    REQUIRE(said.ok());
    CHECK(said->command == "state");
    CHECK(Words(said->arguments).size() == 2);
    CHECK(std::count(said->arguments.begin(), said->arguments.end(), "--json") == 1);
  }
  const auto apart = spoken({"--master", "a:1", "agents", "drain", "S1"});
  REQUIRE(apart.ok());
  CHECK(apart->command == "agents");
  CHECK(apart->arguments == Words{"drain", "S1", "--master", "a:1"});
}

TEST_CASE("flags before a command are not taken for words of a program that it runs") {
  const auto said = spoken({"--master=a:1", "exec", "T", "--", "ls", "--json"});
  REQUIRE(said.ok());
  CHECK(said->arguments == Words{"T", "--master=a:1", "--", "ls", "--json"});
}

TEST_CASE("any other flag before a command is told where it goes") {
  const auto said = spoken({"--all", "tasks"});
  REQUIRE(!said.ok());
  CHECK(said.error().message.find("'--all' stands before the command") != std::string::npos);
  CHECK(said.error().message.find("bourse COMMAND --all") != std::string::npos);
}

TEST_CASE("without a command there is none, and help and version are asked instead of one") {
  CHECK(spoken({})->command.empty());
  CHECK(spoken({"--json"})->command.empty());
  CHECK(spoken({"--master"})->command.empty());
  CHECK(spoken({"--version"})->command == "--version");
  CHECK(spoken({"--json", "--help"})->command == "--help");
}
