#include "agent/shell/work_dir_home.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace bourse;
using namespace bourse::agent;
namespace fs = std::filesystem;

namespace {

struct Machine {
  Machine() {
    char name[] = "/tmp/bourse-home-XXXXXX";
    root = ::mkdtemp(name);
    make("a", "ar");
  }
  ~Machine() { fs::remove_all(root); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  fs::path at(const char* name) const { return root / name; }
  void make(const char* work_dir, const char* run_dir) const {
    fs::create_directories(at(work_dir) / "meta");
    fs::create_directories(at(run_dir) / "containers" / "containers");
  }
  void copy(const char* from, const char* to) const {
    fs::copy(at(from), at(to), fs::copy_options::recursive);
  }
  WorkDirHome home(const char* work_dir, const char* run_dir) const {
    return {at(work_dir).string(), at(run_dir).string()};
  }
  // What is wrong with starting there; empty: nothing, and it has started.
  std::string start(const char* work_dir, const char* run_dir) const {
    make(work_dir, run_dir);
    const Status good = home(work_dir, run_dir).check();
    if (!good.ok()) return good.error().message;
    REQUIRE(home(work_dir, run_dir).settle().ok());
    return {};
  }
  void container_in(const char* run_dir) const {
    fs::create_directory(at(run_dir) / "containers" / "containers" / "c");
  }

  fs::path root;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a copied work directory is known by its mark while the original is there") {
  Machine m;
  REQUIRE(m.start("a", "ar").empty());
  REQUIRE(m.start("a", "ar").empty());
  m.copy("a", "b");
  const std::string why = m.start("b", "br");
  CHECK(contains(why, m.at("b").string() + " is a copy of " + m.at("a").string()));
  CHECK(contains(why, "remove " + m.at("b").string() + "/meta"));
  CHECK(m.start("a", "ar").empty());  // the original is none
  SECTION("not when the original is given up") {
    fs::remove_all(m.at("a") / "meta");
    CHECK(m.start("b", "br").empty());
  }
  SECTION("not when somebody else lives there by now") {
    fs::remove_all(m.at("a") / "meta");
    REQUIRE(m.start("a", "ar").empty());
    CHECK(m.start("b", "br").empty());
  }
  SECTION("not without its own mark") {
    fs::remove_all(m.at("b") / "meta");
    CHECK(m.start("b", "br").empty());
  }
}

TEST_CASE("a work directory that was renamed, restored or had no mark starts as ever") {
  Machine m;
  CHECK(m.home("a", "ar").check().ok());  // of an earlier build
  REQUIRE(m.start("a", "ar").empty());
  fs::rename(m.at("a"), m.at("b"));
  CHECK(m.start("b", "ar").empty());
  m.copy("b", "kept");
  fs::remove_all(m.at("b"));
  fs::rename(m.at("kept"), m.at("b"));
  CHECK(m.start("b", "ar").empty());
  std::ofstream(m.at("b") / "meta" / "home") << "damaged";
  CHECK(m.start("b", "ar").empty());
}

TEST_CASE("another run directory is refused while containers are in the one before") {
  Machine m;
  REQUIRE(m.start("a", "ar").empty());
  m.container_in("ar");
  const std::string why = m.start("a", "other");
  CHECK(contains(why, "start it with --run-dir=" + m.at("ar").string()));
  CHECK(m.start("a", "ar").empty());
  SECTION("not once they are gone") {
    fs::remove(m.at("ar") / "containers" / "containers" / "c");
    CHECK(m.start("a", "other").empty());
  }
  SECTION("not when that directory is another by now") {
    fs::rename(m.at("ar"), m.at("away"));
    m.make("x", "ar");
    m.container_in("ar");
    CHECK(m.start("a", "other").empty());
  }
}
