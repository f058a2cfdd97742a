#include "agent/isolation/tree_remover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
using namespace bourse;
using bourse::isolation::TreeRemover;

namespace {

struct Place {
  std::string path = [] {
    std::string pattern = "/dev/shm/bourse-trash-XXXXXX";
    return std::string(::mkdtemp(pattern.data()));
  }();
  ~Place() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  TreeRemover remover() const {
    auto opened = TreeRemover::open(path + "/trash");
    REQUIRE(opened.ok());
    return std::move(opened).value();
  }
};

void write(const std::string& path) {
  std::ofstream(path) << "x";
}

// Pieces that it took.
int finish(TreeRemover& remover, std::size_t entries = 64) {
  int pieces = 1;
  while (remover.work(entries)) {
    ++pieces;
    REQUIRE(pieces < 1'000'000);
  }
  return pieces;
}

}  // namespace

TEST_CASE("a removed sandbox is gone from its place at once and from the disk piece by piece") {
  Place at;
  fs::create_directories(at / "box/sub");
  for (int i = 0; i < 500; ++i) write(at / "box/sub/" + std::to_string(i));
  TreeRemover remover = at.remover();
  REQUIRE(remover.take(at / "box").ok());
  REQUIRE_FALSE(fs::exists(at / "box"));
  REQUIRE(remover.work(100));
  const auto trash = fs::recursive_directory_iterator(at / "trash");
  REQUIRE(std::distance(begin(trash), end(trash)) > 300);  // no more than it was asked for
  REQUIRE(finish(remover, 100) >= 4);
  REQUIRE(fs::is_empty(at / "trash"));
  REQUIRE(remover.stuck() == 0);
}

TEST_CASE("removing a sandbox follows no link out of it") {
  Place at;
  fs::create_directories(at / "outside/deep");
  write(at / "outside/deep/precious");
  fs::create_directories(at / "box/d");
  fs::create_symlink("../outside", at / "box/link");
  fs::create_symlink(at / "outside", at / "box/d/absolute");
  fs::create_hard_link(at / "outside/deep/precious", at / "box/hard");
  REQUIRE(::mkfifo((at / "box/fifo").c_str(), 0600) == 0);
  TreeRemover remover = at.remover();
  REQUIRE(remover.take(at / "box").ok());
  finish(remover);
  REQUIRE(fs::is_empty(at / "trash"));
  REQUIRE(fs::exists(at / "outside/deep/precious"));
  // A link in the place of the sandbox itself.
  fs::create_directory_symlink(at / "outside", at / "box");
  REQUIRE(remover.take(at / "box").ok());
  finish(remover);
  REQUIRE(fs::is_empty(at / "trash"));
  REQUIRE(fs::exists(at / "outside/deep/precious"));
}

TEST_CASE("a tree of 5,000 levels is removed with a handful of descriptors") {
  Place at;
  fs::create_directories(at / "box");
  int dir = ::open((at / "box").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(::mkdirat(dir, "d", 0755) == 0);
    const int below = ::openat(dir, "d", O_RDONLY | O_DIRECTORY);
    ::close(dir);
    dir = below;
    ::close(::openat(dir, "f", O_WRONLY | O_CREAT, 0644));
  }
  ::close(dir);
  TreeRemover remover = at.remover();
  REQUIRE(remover.take(at / "box").ok());
  finish(remover);
  REQUIRE(fs::is_empty(at / "trash"));
}

TEST_CASE("directories without any rights are removed too") {
  Place at;
  fs::create_directories(at / "box/closed/inner");
  write(at / "box/closed/inner/f");
  fs::permissions(at / "box/closed/inner", fs::perms::none);
  fs::permissions(at / "box/closed", fs::perms::none);
  TreeRemover remover = at.remover();
  REQUIRE(remover.take(at / "box").ok());
  finish(remover);
  REQUIRE(fs::is_empty(at / "trash"));
}

TEST_CASE("what a killed agent had not removed yet is removed by the next one") {
  Place at;
  fs::create_directories(at / "box/a/b");
  for (int i = 0; i < 50; ++i) write(at / "box/a/b/" + std::to_string(i));
  {
    TreeRemover remover = at.remover();
    REQUIRE(remover.take(at / "box").ok());
    REQUIRE(remover.work(10));
  }
  REQUIRE_FALSE(fs::is_empty(at / "trash"));
  TreeRemover remover = at.remover();
  finish(remover);
  REQUIRE(fs::is_empty(at / "trash"));
  REQUIRE(remover.take(at / "nothing").error().code == ErrorCode::not_found);
}
