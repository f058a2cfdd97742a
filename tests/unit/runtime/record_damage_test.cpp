// What becomes of a store whose files were cut or changed while nobody ran: each byte of a small
// one. Whatever is found, a record that was told stored is there or the store is not opened.
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "runtime/record_file.hpp"
#include "tests/unit/runtime/fault_vfs.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

using test::fault_vfs_name;
using test::FaultKind;
using test::set_fault_plan;

// In memory: thousands of files are made, opened and removed.
struct MemoryDir : test::TempDir {
  MemoryDir() : test::TempDir("/dev/shm") {}
};

using Records = std::vector<std::string>;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Small pages, so that "each byte" is some thousands.
void make_small_pages(const std::string& path) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const char* sql = "PRAGMA page_size=512; PRAGMA user_version=1";
  REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

const Records kPromised{"first", "second", std::string(700, 'L'), "fourth", "fifth"};

Result<std::unique_ptr<RecordFile>> open_file(const std::string& path, Records& records) {
  return RecordFile::open(path, fault_vfs_name(), records);
}

// Five records in four commits, as an agent that was killed leaves them (in the log) or as one that
// ended orderly does (in the database).
struct Small {
  MemoryDir dir;
  std::string path = dir.file("db");
  std::string database, log, witness;

  explicit Small(bool killed, bool compacted) {
    make_small_pages(path);
    Records none;
    auto file = open_file(path, none);
    if (!file.ok()) FAIL(file.error().message);
    const Records junk{"old", "older"};
    if (compacted) REQUIRE((*file)->commit({{&junk, false}}).outcome == WriteOutcome::stored);
    const Records one{kPromised[0]}, two{kPromised[1], kPromised[2]};
    const Records three{kPromised[3]}, four{kPromised[4]};
    REQUIRE((*file)->commit({{&one, compacted}}).outcome == WriteOutcome::stored);
    if (!killed) (*file)->checkpoint();
    for (const Records* batch : {&two, &three, &four}) {
      REQUIRE((*file)->commit({{batch, false}}).outcome == WriteOutcome::stored);
    }
    if (killed) {
      keep();  // before the orderly end
      file->reset();
    } else {
      file->reset();
      keep();
    }
    lay_out();
  }

  void keep() {
    database = read_file(path);
    log = read_file(path + "-wal");
    witness = read_file(path + "-promised");
  }
  void lay_out() const {
    write_file(path, database);
    std::filesystem::remove(path + "-wal");
    if (!log.empty()) write_file(path + "-wal", log);
    write_file(path + "-promised", witness);
  }
  std::string& bytes_of(const std::string& suffix) {
    return suffix.empty() ? database : suffix == "-wal" ? log : witness;
  }

  // True: all of it is there. False: refused, naming the file, which stays as it was.
  bool opens_whole() const {
    Records found;
    const std::string before = read_file(path);
    const std::string log_before = read_file(path + "-wal");
    auto file = open_file(path, found);
    if (file.ok()) {
      CHECK(found == kPromised);
      const Records more{"goes on"};
      const WriteResult result = (*file)->commit({{&more, false}});
      CHECK(result.outcome == WriteOutcome::stored);
      return true;
    }
    CHECK(file.error().message.find(path) != std::string::npos);
    CHECK(file.error().code == ErrorCode::corrupt);
    CHECK(read_file(path) == before);
    CHECK(read_file(path + "-wal") == log_before);
    return false;
  }
};

struct Count {
  std::size_t whole = 0;
  std::size_t refused = 0;
};

template <typename Damage>
Count damage_each_byte(Small& small, const std::string& suffix, Damage&& damage) {
  Count count;
  const std::string sound = small.bytes_of(suffix);
  for (std::size_t at = 0; at < sound.size(); ++at) {
    CAPTURE(suffix, at);
    small.bytes_of(suffix) = damage(sound, at);
    small.lay_out();
    ++(small.opens_whole() ? count.whole : count.refused);
  }
  small.bytes_of(suffix) = sound;
  return count;
}

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
  return bytes;
}

std::string cut(const std::string& bytes, std::size_t at) {
  return bytes.substr(0, at);
}

TEST_CASE("a store with any bit changed is opened whole or refused, naming the file") {
  set_fault_plan({});
  const bool killed = GENERATE(false, true);
  Small small(killed, GENERATE(false, true));
  REQUIRE(small.opens_whole());
  for (const std::string suffix : {"", "-wal"}) {
    const Count count = damage_each_byte(small, suffix, flipped);
    CAPTURE(suffix, count.whole, count.refused);
    // Killed, its log holds every page: the database below it does not matter.
    if (suffix.empty() != killed) CHECK(count.refused > 100);
  }
  CHECK(damage_each_byte(small, "-promised", flipped).refused == 0);
}

TEST_CASE("a store cut at any byte is opened whole or refused, naming the file") {
  set_fault_plan({});
  const bool killed = GENERATE(false, true);
  Small small(killed, GENERATE(false, true));
  for (const std::string suffix : {"", "-wal"}) {
    const Count count = damage_each_byte(small, suffix, cut);
    CAPTURE(suffix, count.whole, count.refused);
    if (suffix.empty() != killed) CHECK(count.refused > 500);
  }
  CHECK(damage_each_byte(small, "-promised", cut).refused == 0);
}

TEST_CASE("a store whose file or log was removed is refused while its witness stands") {
  set_fault_plan({});
  Small small(true, false);
  small.log.clear();
  small.lay_out();
  CHECK_FALSE(small.opens_whole());
  Small other(false, false);
  std::filesystem::remove(other.path);
  Records found;
  auto opened = open_file(other.path, found);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("5 records") != std::string::npos);
}

TEST_CASE("a half-written last commit that nobody was told of is left out") {
  set_fault_plan({});
  Small small(true, false);
  // The witness as it was before the last commit: that commit was not told stored.
  RecordWitness(small.path + "-promised").promise(4);
  small.witness = read_file(small.path + "-promised");
  const std::string sound = small.log;
  for (const std::size_t lost : {1, 100, 535, 536}) {
    small.log = sound.substr(0, sound.size() - lost);
    small.lay_out();
    Records found;
    auto file = open_file(small.path, found);
    if (!file.ok()) FAIL(file.error().message);
    CHECK(found == Records(kPromised.begin(), kPromised.end() - 1));
  }
}

TEST_CASE("a compacted store that is empty still knows what it had promised") {
  set_fault_plan({});
  MemoryDir dir;
  const std::string path = dir.file("db");
  const Records some{"a", "b"}, none{};
  Records found;
  {
    auto file = open_file(path, found);
    REQUIRE((*file)->commit({{&some, false}}).outcome == WriteOutcome::stored);
    REQUIRE((*file)->commit({{&none, true}}).outcome == WriteOutcome::stored);
  }
  auto file = open_file(path, found);
  REQUIRE(file.ok());
  REQUIRE(found.empty());
  REQUIRE((*file)->commit({{&some, false}}).outcome == WriteOutcome::stored);
  file->reset();
  REQUIRE(open_file(path, found).ok());
  REQUIRE(found == some);
}

TEST_CASE("a store of an earlier build, without base and witness, is opened whole") {
  set_fault_plan({});
  Small small(false, true);
  std::filesystem::remove(small.path + "-promised");
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(small.path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "DELETE FROM scratch WHERE one=2", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  sqlite3_close(db);
  Records found;
  auto file = open_file(small.path, found);
  if (!file.ok()) FAIL(file.error().message);
  CHECK(found == kPromised);
}

TEST_CASE("a store on a full disk is opened and read without a write") {
  const bool killed = GENERATE(false, true);
  set_fault_plan({});
  Small small(killed, false);
  set_fault_plan({.kind = FaultKind::disk_full, .at = 1, .from_then_on = true});
  Records found;
  auto file = open_file(small.path, found);
  if (!file.ok()) FAIL(file.error().message);
  CHECK(found == kPromised);
  const Records more{"more"};
  CHECK((*file)->commit({{&more, false}}).outcome == WriteOutcome::rejected);
  set_fault_plan({});
  CHECK((*file)->commit({{&more, false}}).outcome == WriteOutcome::stored);
}

}  // namespace
}  // namespace bourse::runtime
