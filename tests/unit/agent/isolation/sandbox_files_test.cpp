#include "agent/isolation/sandbox_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace bourse::isolation {
namespace {

struct Sandbox {
  Sandbox() {
    root = "/tmp/bourse-files-XXXXXX";
    REQUIRE(::mkdtemp(root.data()) != nullptr);
    std::filesystem::create_directories(root + "/box/sub");
    std::filesystem::create_directories(root + "/box-sibling");
    std::ofstream(root + "/secret") << "secret";
    std::ofstream(root + "/box-sibling/secret") << "secret";
    std::ofstream(root + "/box/stdout") << "0123456789";
    std::ofstream(root + "/box/sub/inner") << "inner";
  }
  ~Sandbox() { std::filesystem::remove_all(root); }
  SandboxFiles files() const {
    auto opened = SandboxFiles::open(root + "/box");
    REQUIRE(opened.ok());
    return std::move(*opened);
  }
  std::string root;
};

ErrorCode code_of_read(const SandboxFiles& files, const std::string& path) {
  const auto chunk = files.read(path, 0, 100);
  REQUIRE_FALSE(chunk.ok());
  CHECK(chunk.error().message.find("secret\n") == std::string::npos);
  return chunk.error().code;
}

}  // namespace

TEST_CASE("a sandbox file is read by offset and length") {
  const Sandbox box;
  const SandboxFiles files = box.files();
  CHECK(files.read("stdout", 0, 100)->bytes == "0123456789");
  CHECK(files.read("/stdout", 3, 4)->bytes == "3456");
  CHECK(files.read("stdout", 8, 100)->bytes == "89");
  const auto beyond = files.read("stdout", 50, 10);
  CHECK(beyond->bytes.empty());
  CHECK(beyond->size_bytes == 10);
  CHECK(files.read("stdout", 0, 0)->size_bytes == 10);
  CHECK(files.read("stdout", -1, 5).error().code == ErrorCode::invalid);
  CHECK(files.read("sub/inner", 0, 100)->bytes == "inner");
  CHECK(code_of_read(files, "none") == ErrorCode::not_found);
  CHECK(code_of_read(files, "sub") == ErrorCode::invalid);
  CHECK(code_of_read(files, std::string("stdout\0x", 8)) == ErrorCode::invalid);
}

TEST_CASE("a sandbox is listed in order with links as links") {
  const Sandbox box;
  std::filesystem::create_symlink("/etc/shadow", box.root + "/box/evil");
  const auto entries = box.files().list("");
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[0].name == "evil");
  CHECK_FALSE((*entries)[0].regular);
  CHECK((*entries)[1].name == "stdout");
  CHECK((*entries)[1].size_bytes == 10);
  CHECK((*entries)[1].modified_ns > 0);
  CHECK((*entries)[2].directory);
  CHECK(box.files().list("sub")->size() == 1);
  CHECK(box.files().list("stdout").error().code == ErrorCode::not_found);
  CHECK(box.files().list("..").error().code == ErrorCode::denied);
}

TEST_CASE("no path and no symbolic link leads out of the sandbox") {
  const Sandbox box;
  const std::string inside = box.root + "/box/";
  std::filesystem::create_symlink(box.root + "/secret", inside + "absolute");
  std::filesystem::create_symlink("../secret", inside + "dotdot");
  std::filesystem::create_symlink("../box-sibling", inside + "sibling");
  std::filesystem::create_symlink("/proc/self/root", inside + "magic");
  std::filesystem::create_symlink("sub/inner", inside + "fine");
  std::filesystem::create_symlink("loop", inside + "loop");
  const SandboxFiles files = box.files();
  for (const char* path : {"../secret", "sub/../../secret", "../box-sibling/secret", "absolute",
                           "dotdot", "sibling/secret", "magic/etc/passwd", "loop"}) {
    INFO(path);
    CHECK(code_of_read(files, path) == ErrorCode::denied);
  }
  // An absolute request is taken as below the sandbox, where there is no such file.
  CHECK(code_of_read(files, box.root + "/secret") == ErrorCode::not_found);
  CHECK(files.read("fine", 0, 10)->bytes == "inner");
}

TEST_CASE("a fifo or device in the sandbox is refused without opening it") {
  const Sandbox box;
  REQUIRE(::mkfifo((box.root + "/box/fifo").c_str(), 0644) == 0);
  CHECK(code_of_read(box.files(), "fifo") == ErrorCode::denied);
  if (::geteuid() != 0 || ::mknod((box.root + "/box/dev").c_str(), S_IFCHR | 0644, 0x0105) != 0) {
    WARN("skipped the device: making one needs root");
    return;
  }
  CHECK(code_of_read(box.files(), "dev") == ErrorCode::denied);
}

TEST_CASE("a task that swaps a file for a link while it is read gains nothing") {
  const Sandbox box;
  const SandboxFiles files = box.files();
  std::atomic<bool> stop{false};
  std::thread attacker([&] {
    const std::string dir = box.root + "/box/sub";
    const std::string aside = box.root + "/box/aside";
    while (!stop) {
      std::error_code ignored;
      std::filesystem::rename(dir, aside, ignored);
      std::filesystem::create_symlink("../box-sibling", dir, ignored);
      std::filesystem::remove(dir, ignored);
      std::filesystem::rename(aside, dir, ignored);
    }
  });
  std::ofstream(box.root + "/box/sub/secret") << "harmless";
  int leaks = 0;
  int reads = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < until) {
    const auto chunk = files.read("sub/secret", 0, 100);
    ++reads;
    if (chunk.ok() && chunk->bytes == "secret") ++leaks;
  }
  stop = true;
  attacker.join();
  CHECK(leaks == 0);
  CHECK(reads > 100);
}

}  // namespace bourse::isolation
