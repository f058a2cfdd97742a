// What bounds the fetcher; what it does with real servers and archives is tests/process/fetch_test.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "executors/fetch/cache.hpp"
#include "executors/fetch/unpack.hpp"

using namespace bourse;
using namespace bourse::fetch;
namespace fs = std::filesystem;

namespace {

// And the current one, as a sandbox is.
struct Directory {
  std::string path;
  Directory() {
    char name[] = "/tmp/bourse-fetch-XXXXXX";
    path = ::mkdtemp(name);
    fs::current_path(path);
  }
  ~Directory() {
    fs::current_path("/");
    fs::remove_all(path);
  }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One regular file as a tar archive.
std::string tar_of(const std::string& name, const std::string& text) {
  std::string head(512, '\0');
  const auto put = [&](std::size_t at, const std::string& field) {
    head.replace(at, field.size(), field);
  };
  char size[12];
  std::snprintf(size, sizeof size, "%011zo", text.size());
  put(0, name);
  put(100, "0000644");
  put(124, size);
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  char check[8];
  std::snprintf(check, sizeof check, "%06o", sum);
  put(148, check);
  std::string body = text;
  body.resize((text.size() + 511) / 512 * 512);
  return head + body + std::string(1024, '\0');
}

}  // namespace

TEST_CASE("files and unpacked files are counted against one allowance") {
  const Directory dir;
  write(dir / "from", std::string(1000, 'x'));
  Budget budget{1500, 10};
  REQUIRE(copy_file(dir / "from", dir / "to", budget).ok());
  CHECK(budget.bytes == 500);
  const Status over = copy_file(dir / "from", dir / "again", budget);
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().code == ErrorCode::too_large);

  write(dir / "a.tar", tar_of("inner", std::string(400, 'y')));
  Budget enough{400, 1};
  REQUIRE(unpack("a.tar", enough).ok());
  CHECK(read(dir / "inner").size() == 400);
  Budget few_bytes{399, 1};
  CHECK(unpack("a.tar", few_bytes).error().code == ErrorCode::too_large);
  Budget no_file{400, 0};
  CHECK(unpack("a.tar", no_file).error().code == ErrorCode::too_large);
}

TEST_CASE("an entry that leads out of the directory is not unpacked") {
  const Directory dir;
  fs::create_directory(dir / "sandbox");
  fs::create_directory_symlink(dir.path, dir / "sandbox/up");
  for (const std::string& name :
       {std::string("../out"), std::string("a/../../out"), dir / "out", std::string("up/out")}) {
    CAPTURE(name);
    write("sandbox/a.tar", tar_of(name, "text"));
    Budget budget;
    CHECK_FALSE(unpack("sandbox/a.tar", budget).ok());
    CHECK_FALSE(fs::exists("out"));
  }
  write("sandbox/a.tar", tar_of("in/out", "text"));
  Budget budget;
  REQUIRE(unpack("sandbox/a.tar", budget).ok());
  CHECK(read("sandbox/in/out") == "text");
}

TEST_CASE("only regular files are copied, and never through a link at the target") {
  const Directory dir;
  Budget budget;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(copy_file(dir / "fifo", dir / "to", budget).error().message.find("no regular file") !=
        std::string::npos);
  CHECK_FALSE(copy_file(dir.path, dir / "to", budget).ok());
  CHECK_FALSE(copy_file(dir / "nothing", dir / "to", budget).ok());
  write(dir / "from", "new");
  write(dir / "target", "old");
  fs::create_symlink(dir / "target", dir / "link");
  CHECK_FALSE(copy_file(dir / "from", dir / "link", budget).ok());
  CHECK(read(dir / "target") == "old");
}

TEST_CASE("an entry of the cache is filled once, and the least recently used goes first") {
  const Directory dir;
  fs::create_directory(dir / "cache");
  Cache cache(dir / "cache", 250);
  int fills = 0;
  const auto take = [&](const std::string& uri) {
    Budget budget;
    const Status done = cache.take(uri, dir / "to", budget, [&](const std::string& path) {
      ++fills;
      write(path, uri + std::string(100 - uri.size(), '.'));
      return Status();
    });
    REQUIRE(done.ok());
    CHECK(read(dir / "to").find(uri) == 0);
  };
  take("a");
  take("b");
  take("a");
  CHECK(fills == 2);
  take("c");  // over the bound: b was used before a
  CHECK(fills == 3);
  take("a");
  CHECK(fills == 3);
  take("b");
  CHECK(fills == 4);
}

TEST_CASE("what could not be fetched leaves no entry, and what is too large alone does not stay") {
  const Directory dir;
  fs::create_directory(dir / "cache");
  Cache cache(dir / "cache", 50);
  Budget budget;
  const Status failed = cache.take("a", dir / "to", budget, [](const std::string& path) {
    write(path, "half");
    return Status(invalid("no more"));
  });
  CHECK(failed.error().message == "no more");
  int fills = 0;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(cache
                .take("a", dir / "to", budget,
                      [&](const std::string& path) {
                        ++fills;
                        write(path, std::string(100, 'x'));
                        return Status();
                      })
                .ok());
  }
  CHECK(fills == 2);
  CHECK(read(dir / "to").size() == 100);
}
