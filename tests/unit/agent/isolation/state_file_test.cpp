#include "agent/isolation/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {
namespace {

struct Dir {
  Dir() {
    path = "/tmp/bourse-state-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  ~Dir() {
    ::close(fd);
    std::filesystem::remove_all(path);
  }
  std::string path;
  int fd;
};

}  // namespace

TEST_CASE("state fields survive a round trip whatever is in them") {
  const StateFields fields{{"path", "/a b\nc\\n"}, {"empty", ""}, {"n", "-5"}};
  const auto back = decode_state(encode_state(fields));
  REQUIRE(back.ok());
  CHECK(*back == fields);
  CHECK(field_of(*back, "path") == "/a b\nc\\n");
  CHECK(number_of(*back, "n") == -5);
  CHECK(field_of(*back, "missing").empty());
}

TEST_CASE("a state file cut anywhere is known as cut") {
  const std::string whole = encode_state({{"pid", "12"}, {"start_time", "34"}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = decode_state(whole.substr(0, size));
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(decode_state(whole + "more\n").ok());
  CHECK_FALSE(decode_state("keyonly\nend\n").ok());
  CHECK_FALSE(decode_state(std::string(1000, '\0')).ok());
}

TEST_CASE("a state file with any bit changed is refused") {
  const std::string whole = encode_state({{"pid", "12"}, {"start_time", "34"}, {"oom", "0"}});
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto read = decode_state(damaged);
    INFO("bit " << bit);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::corrupt);
  }
  Dir dir;
  CHECK(write_state(dir.fd, "exit", {{"a", "1"}}, Durability::process_crash).ok());
  std::ofstream(dir.path + "/exit") << "a 2" << whole.substr(whole.find("\nend"));
  CHECK(read_state(dir.fd, "exit").error().message == "exit: state file is not as it was written");
}

TEST_CASE("a state file of a build without checksums is read, and today's form stays") {
  const auto old = decode_state("pid 12\nend\n");
  REQUIRE(old.ok());
  CHECK(number_of(*old, "pid") == 12);
  // Shims outlive their agents by weeks: what one build writes every later one reads.
  CHECK(encode_state({{"pid", "12"}}) == "pid 12\nend ddf253426ee3c885\n");
}

TEST_CASE("only the first claim of a state file wins") {
  Dir dir;
  CHECK(claim_state(dir.fd, "shim", {{"state", "running"}}).ok());
  const Status second = claim_state(dir.fd, "shim", {{"state", "abandoned"}});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(field_of(*read_state(dir.fd, "shim"), "state") == "running");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path)) {
    (void)entry;
    ++files;
  }
  CHECK(files == 1);
}

TEST_CASE("a state file replaces the one before as a whole, reserved or not") {
  Dir dir;
  reserve_state(dir.fd, "exit");
  CHECK(std::filesystem::file_size(dir.path + "/exit.tmp") == kReservedBytes);
  CHECK(write_state(dir.fd, "exit", {{"a", "1"}}, Durability::power_loss).ok());
  CHECK(*read_file(dir.path + "/exit") == encode_state({{"a", "1"}}));
  CHECK(write_state(dir.fd, "exit", {{"b", "2"}}, Durability::process_crash).ok());
  CHECK(*read_file(dir.path + "/exit") == encode_state({{"b", "2"}}));
  CHECK(read_state(dir.fd, "none").error().code == ErrorCode::not_found);
}

}  // namespace bourse::isolation
