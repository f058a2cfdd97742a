#include "model/fetch_list.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"

using namespace bourse;

namespace {

Result<FetchItem> made(const std::string& uri, const std::string& output = "",
                       bool executable = false, bool extract = true) {
  return make_fetch_item("command.uris[0]", uri, output, executable, extract, false);
}

}  // namespace

TEST_CASE("a file is named by the last part of its uri, or as the framework says") {
  for (const auto& [uri, name] : {std::pair{"/opt/a.txt", "a.txt"}, std::pair{"file:///opt/b", "b"},
                                  std::pair{"http://host:80/x/y/c.tar.gz", "c.tar.gz"},
                                  std::pair{"https://host/d.zip?key=a/b#part", "d.zip"}}) {
    const auto item = made(uri);
    REQUIRE(item.ok());
    CHECK(item->name == name);
    CHECK(item->uri == uri);
  }
  CHECK(made("http://host/x", "lib/y.so")->name == "lib/y.so");
  CHECK(made("http://host/", "index")->name == "index");
}

TEST_CASE("what is an archive by its name is unpacked, unless it is executable or unwanted") {
  for (const char* name : {"a.tar", "a.tgz", "a.tar.gz", "a.tbz2", "a.tar.bz2", "a.txz", "a.tar.xz",
                           "a.tar.zst", "a.zip", "a.gz"}) {
    CAPTURE(name);
    CHECK(made(std::string("/opt/") + name)->extract);
    CHECK_FALSE(made(std::string("/opt/") + name, "", true)->extract);
    CHECK_FALSE(made(std::string("/opt/") + name, "", false, false)->extract);
    CHECK_FALSE(made(std::string("/opt/") + name, "plain")->extract);
  }
  CHECK_FALSE(made("/opt/a.txt")->extract);
  CHECK_FALSE(made("/opt/.zip")->extract);
}

TEST_CASE("a uri that cannot be fetched, or leads out of the sandbox, is refused by its field") {
  const auto refused = [](const std::string& uri, const std::string& output = "") {
    const auto item = made(uri, output);
    REQUIRE_FALSE(item.ok());
    return item.error().message;
  };
  CHECK(refused("hdfs://host/x").find("command.uris[0].value: 'hdfs://host/x'") == 0);
  CHECK(refused("hdfs://host/x").find("(file, http, https)") != std::string::npos);
  CHECK(refused("relative/path").find("command.uris[0].value") == 0);
  CHECK(refused("").find("command.uris[0].value") == 0);
  CHECK(refused("http://host/a\nb").find("control characters") != std::string::npos);
  CHECK(refused("/" + std::string(limits::kMaxUriBytes, 'x')).find("at most") != std::string::npos);
  for (const char* name : {"../x", "a/../../x", "/etc/x", "a//b", ".", "a/.", "x\x01"}) {
    CAPTURE(name);
    CHECK(refused("/opt/a", name).find("command.uris[0].output_file") == 0);
  }
  CHECK(refused("http://host/").find("command.uris[0].output_file") == 0);
  CHECK(refused("http://host/..").find("command.uris[0].output_file") == 0);
}

TEST_CASE("files to fetch survive being a program's arguments") {
  std::vector<FetchItem> items = {{"/opt/a", "a", true, false, true},
                                  {"http://host/b.zip", "lib/b.zip", false, true, false}};
  const auto again = read_fetch_arguments(fetch_arguments(items));
  REQUIRE(again.ok());
  CHECK(again.value() == items);
  CHECK_FALSE(read_fetch_arguments({"-x", "/opt/a"}).ok());
  CHECK_FALSE(read_fetch_arguments({"x", "/opt/a", "a"}).ok());
  CHECK_FALSE(read_fetch_arguments({"-", "/opt/a", "../a"}).ok());
}
