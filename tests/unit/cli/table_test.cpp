#include "cli/table.hpp"

#include <catch2/catch.hpp>

#include "cli/api.hpp"

using namespace bourse::cli;

TEST_CASE("a table's columns are as wide as they need and numbers stand right") {
  Table table({"NAME", ">COUNT"});
  table.add({"a", "1"});
  table.add({"longer name", "1000"});
  REQUIRE(table.text() ==
          "NAME         COUNT\n"
          "a                1\n"
          "longer name   1000\n");
}

TEST_CASE("characters outside ASCII count as one column") {
  Table table({"NAME", "X"});
  table.add({"Zürich", "1"});
  table.add({"Berlin", "2"});
  REQUIRE(table.text() == "NAME    X\nZürich  1\nBerlin  2\n");
}

TEST_CASE("a hostile name cannot drive the terminal") {
  Table table({"NAME"});
  table.add({"\x1b[2Jgone\x07\n"});
  REQUIRE(table.text() == "NAME\n?[2Jgone??\n");
  REQUIRE(printable("a\xc2\x9b"
                    "2Jb") == "a?2Jb");  // the same command in one character
  REQUIRE(printable("\xc2\xa0\xc3\x9f\xc2") == "\xc2\xa0\xc3\x9f\xc2");
}

TEST_CASE("agents are called by their host, by its port where they share it, by their id else") {
  const auto names = agent_names({{"S1", "alone", 5051},
                                  {"S2", "shared", 5051},
                                  {"S3", "shared", 5052},
                                  {"S4", "twice", 5051},
                                  {"S5", "twice", 5051}});
  REQUIRE(names == std::map<std::string, std::string>{{"S1", "alone"},
                                                      {"S2", "shared:5051"},
                                                      {"S3", "shared:5052"},
                                                      {"S4", "twice S4"},
                                                      {"S5", "twice S5"}});
}

TEST_CASE("amounts, sizes and ages are short") {
  REQUIRE(amount_text(1.0) == "1");
  REQUIRE(amount_text(0.5) == "0.5");
  REQUIRE(megabytes_text(512) == "512 MB");
  REQUIRE(megabytes_text(1536) == "1.5 GB");
  REQUIRE(megabytes_text(3.0 * 1024 * 1024) == "3 TB");
  REQUIRE(age_text(0, 59'000'000'000) == "59s");
  REQUIRE(age_text(0, 300'000'000'000) == "5m");
  REQUIRE(age_text(5, 0) == "0s");
}

TEST_CASE("text given to the API is quoted as JSON") {
  REQUIRE(json_text("a\"b\\c\n") == "\"a\\\"b\\\\c\\n\"");
}
