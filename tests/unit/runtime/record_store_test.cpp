#include "runtime/record_store.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>

#include "tests/unit/runtime/fault_vfs.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

using test::cut_power;
using test::fault_points;
using test::fault_vfs_name;
using test::FaultKind;
using test::FaultPlan;
using test::run_until;
using test::set_fault_plan;
using test::TempDir;

using Records = std::vector<std::string>;

RecordStore::Opened open_store(Loop& loop, const std::string& path,
                               RecordStoreOptions options = {}) {
  auto opened = RecordStore::open(loop, path, options);
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

Records load(const std::string& path) {
  Loop loop;
  return open_store(loop, path).records;
}

WriteResult append(Loop& loop, RecordStore& store, Records batch) {
  std::optional<WriteResult> result;
  store.append(std::move(batch), [&](const WriteResult& r) { result = r; });
  REQUIRE(run_until(loop, [&] { return result.has_value(); }));
  return *result;
}

TEST_CASE("what was stored is loaded in order, empty and binary records included") {
  TempDir dir;
  const std::string path = dir.file("db");
  Loop loop;
  const std::string binary("\0\xff\n'\"", 5);
  {
    auto opened = open_store(loop, path);
    REQUIRE(opened.records.empty());
    REQUIRE(append(loop, *opened.store, {"a", "", binary}).outcome == WriteOutcome::stored);
    REQUIRE(append(loop, *opened.store, {std::string(3 << 20, 'L')}).outcome ==
            WriteOutcome::stored);
  }
  {
    auto opened = open_store(loop, path);
    REQUIRE(opened.records == Records{"a", "", binary, std::string(3 << 20, 'L')});
    REQUIRE(append(loop, *opened.store, {"z"}).outcome == WriteOutcome::stored);
  }
  REQUIRE(load(path).size() == 5);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
}

TEST_CASE("completions come in the order of the calls and batches share their wait for the disk") {
  TempDir dir;
  Loop loop;
  set_fault_plan({.sync_delay_ms = 20});
  auto opened = open_store(loop, dir.file("db"), {.vfs = fault_vfs_name()});
  const std::uint64_t before = opened.store->stats().durable_waits;
  std::vector<int> order;
  for (int i = 0; i < 200; ++i) {
    Records batch;
    if (i % 10 != 0) batch = {std::to_string(i)};  // an empty batch takes its turn too
    opened.store->append(std::move(batch), [&order, i](const WriteResult& r) {
      if (r.outcome == WriteOutcome::stored) order.push_back(i);
    });
  }
  REQUIRE(order.empty());
  REQUIRE(run_until(loop, [&] { return order.size() == 200; }));
  REQUIRE(std::is_sorted(order.begin(), order.end()));
  REQUIRE(opened.store->stats().durable_waits - before <= 3);
  REQUIRE(opened.store->stats().records == 180);
  REQUIRE(opened.store->stats().pending_bytes == 0);
  set_fault_plan({});
}

TEST_CASE("a single append waits for the disk once") {
  TempDir dir;
  Loop loop;
  auto opened = open_store(loop, dir.file("db"));
  for (std::uint64_t i = 1; i <= 5; ++i) {
    append(loop, *opened.store, {"x", "y"});
    REQUIRE(opened.store->stats().durable_waits == i);
  }
}

TEST_CASE("compaction replaces everything before it and nothing after it") {
  TempDir dir;
  const std::string path = dir.file("db");
  Loop loop;
  {
    auto opened = open_store(loop, path);
    int done = 0;
    opened.store->append({"old1", "old2"}, [&](const WriteResult&) { ++done; });
    opened.store->compact({"snapshot"}, [&](const WriteResult&) { ++done; });
    opened.store->append({"new"}, [&](const WriteResult&) { ++done; });
    REQUIRE(run_until(loop, [&] { return done == 3; }));
  }
  REQUIRE(load(path) == Records{"snapshot", "new"});
  {
    auto opened = open_store(loop, path);
    bool done = false;
    opened.store->compact({}, [&](const WriteResult&) { done = true; });
    REQUIRE(run_until(loop, [&] { return done; }));
  }
  REQUIRE(load(path).empty());
}

TEST_CASE("a store being destroyed finishes its writes and calls nobody") {
  TempDir dir;
  const std::string path = dir.file("db");
  Loop loop;
  int called = 0;
  {
    auto opened = open_store(loop, path);
    for (int i = 0; i < 50; ++i) opened.store->append({"x"}, [&](const WriteResult&) { ++called; });
  }
  loop.run_for(Duration::milliseconds(10));
  REQUIRE(called == 0);
  REQUIRE(load(path).size() == 50);
}

TEST_CASE("a record over its limit or a queue over its budget is refused in its turn") {
  TempDir dir;
  Loop loop;
  set_fault_plan({.sync_delay_ms = 20});
  auto opened =
      open_store(loop, dir.file("db"),
                 {.max_pending_bytes = 10000, .max_record_bytes = 5000, .vfs = fault_vfs_name()});
  std::vector<std::pair<WriteOutcome, bool>> results;
  const auto note = [&](const WriteResult& r) { results.emplace_back(r.outcome, r.status.ok()); };
  opened.store->append({std::string(4000, 'a')}, note);
  opened.store->append({"b", std::string(5001, 'b')}, note);
  opened.store->append({std::string(4000, 'c')}, note);
  opened.store->append({std::string(4000, 'd')}, note);
  REQUIRE(run_until(loop, [&] { return results.size() == 4; }));
  REQUIRE(results[0].first == WriteOutcome::stored);
  REQUIRE(results[1].first == WriteOutcome::rejected);
  REQUIRE(results[2].first == WriteOutcome::stored);
  REQUIRE(results[3].first == WriteOutcome::rejected);
  set_fault_plan({});
}

TEST_CASE("a second process cannot open a store that is in use") {
  TempDir dir;
  Loop loop;
  auto opened = open_store(loop, dir.file("db"));
  const auto second = RecordStore::open(loop, dir.file("db"));
  REQUIRE(second.error().code == ErrorCode::conflict);
  REQUIRE(second.error().message.find("another process") != std::string::npos);
}

TEST_CASE("a file that is not a store is an error and stays as it is") {
  TempDir dir;
  Loop loop;
  const std::string path = dir.file("db");
  { std::ofstream(path) << std::string(5000, 'g'); }
  REQUIRE(RecordStore::open(loop, path).error().code == ErrorCode::corrupt);
  std::ifstream in(path);
  REQUIRE(std::string(std::istreambuf_iterator<char>(in), {}) == std::string(5000, 'g'));
  // Somebody else's database.
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(dir.file("other").c_str(), &db) == SQLITE_OK);
  sqlite3_exec(db, "CREATE TABLE t(x)", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  REQUIRE(RecordStore::open(loop, dir.file("other")).error().code == ErrorCode::corrupt);
  REQUIRE_FALSE(RecordStore::open(loop, "/no/such/dir/db").ok());
  REQUIRE_FALSE(RecordStore::open(loop, dir.path()).ok());
}

TEST_CASE("a damaged, missing or exchanged record is noticed when the store is opened") {
  const std::string damage =
      GENERATE(as<std::string>(), "UPDATE record SET bytes = 'changed' WHERE sequence = 3",
               "DELETE FROM record WHERE sequence = 3",
               "UPDATE record SET sequence = 99 WHERE sequence = 3;"
               "UPDATE record SET sequence = 3 WHERE sequence = 4;"
               "UPDATE record SET sequence = 4 WHERE sequence = 99");
  TempDir dir;
  Loop loop;
  const std::string path = dir.file("db");
  {
    auto opened = open_store(loop, path);
    append(loop, *opened.store, {"1", "2", "3", "4", "5"});
  }
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, damage.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const auto opened = RecordStore::open(loop, path);
  REQUIRE(opened.error().code == ErrorCode::corrupt);
  REQUIRE(opened.error().message.find(path) != std::string::npos);
}

TEST_CASE("a process killed while it writes loses nothing it was told is stored") {
  TempDir dir;
  const std::string path = dir.file("db");
  int told[2];
  REQUIRE(pipe(told) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Loop loop;
    auto opened = RecordStore::open(loop, path);
    RecordStore& store = *opened->store;
    for (std::uint32_t i = 0;; ++i) {
      bool done = false;
      store.append({std::to_string(i), std::string(1000, 'x')},
                   [&](const WriteResult&) { done = ::write(told[1], &i, sizeof i) == sizeof i; });
      while (!done) loop.run_for(Duration::milliseconds(1));
    }
  }
  ::close(told[1]);
  std::uint32_t last = 0;
  for (int i = 0; i < 100; ++i) REQUIRE(::read(told[0], &last, sizeof last) == sizeof last);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (::read(told[0], &last, sizeof last) == sizeof last) {
  }
  ::close(told[0]);
  const Records records = load(path);
  REQUIRE(records.size() >= 2 * (last + 1));
  REQUIRE(records.size() % 2 == 0);
  for (std::size_t i = 0; i < records.size(); i += 2) REQUIRE(records[i] == std::to_string(i / 2));
}

// ---- every write point ------------------------------------------------------------------------

// Appends, compacts and appends again, and says which records must be there (`sure`) and which may
// be (`maybe`, outcome unknown: all of it or nothing).
struct Workload {
  Records sure;
  Records maybe;
  bool failed_to_open = false;
  std::set<ErrorCode> codes;
  bool unknown = false;
};

Workload run_workload(const std::string& path) {
  Workload w;
  Loop loop;
  auto opened = RecordStore::open(loop, path, {.vfs = fault_vfs_name()});
  if (!opened.ok()) {
    w.failed_to_open = true;
    w.codes.insert(opened.error().code);
    return w;
  }
  w.sure = opened->records;
  RecordStore& store = *opened->store;
  for (int i = 0; i < 6; ++i) {
    const bool compacting = i == 3;
    Records batch = {"r" + std::to_string(i) + "-" + std::string(3000, 'x'), std::to_string(i)};
    Records after = compacting ? Records{} : w.sure;
    after.insert(after.end(), batch.begin(), batch.end());
    std::optional<WriteResult> result;
    const auto note = [&](const WriteResult& r) { result = r; };
    if (compacting) {
      store.compact(batch, note);
    } else {
      store.append(batch, note);
    }
    REQUIRE(run_until(loop, [&] { return result.has_value(); }));
    if (result->outcome == WriteOutcome::stored) {
      REQUIRE(result->status.ok());
      REQUIRE_FALSE(w.unknown);  // nothing is stored after an unknown outcome
      w.sure = after;
      continue;
    }
    w.codes.insert(result->status.error().code);
    if (result->outcome == WriteOutcome::unknown && !w.unknown) {
      w.unknown = true;
      w.maybe = after;
    }
  }
  return w;
}

void check_every_point(FaultKind kind, bool from_then_on, bool lose_unsynced,
                       std::uint64_t keep_every) {
  set_fault_plan({});
  std::uint64_t points = 0;
  {
    TempDir dir;
    run_workload(dir.file("db"));
    points = fault_points();
  }
  REQUIRE(points > 20);
  std::set<ErrorCode> codes;
  int rejected_or_failed = 0;
  for (std::uint64_t n = 1; n <= points; ++n) {
    CAPTURE(n, points, from_then_on);
    TempDir dir;
    set_fault_plan({.kind = kind, .at = n, .from_then_on = from_then_on});
    const Workload w = run_workload(dir.file("db"));
    set_fault_plan({});
    if (lose_unsynced) cut_power(keep_every);
    Loop loop;
    auto again = RecordStore::open(loop, dir.file("db"), {.vfs = fault_vfs_name()});
    if (!again.ok()) FAIL(again.error().message);
    const bool as_promised = again->records == w.sure || (w.unknown && again->records == w.maybe);
    REQUIRE(as_promised);
    REQUIRE(append(loop, *again->store, {"goes on"}).outcome == WriteOutcome::stored);
    codes.insert(w.codes.begin(), w.codes.end());
    if (!w.codes.empty()) ++rejected_or_failed;
    if (kind == FaultKind::disk_full) REQUIRE_FALSE(w.unknown);
  }
  REQUIRE(rejected_or_failed > 10);
  REQUIRE(codes ==
          std::set<ErrorCode>{kind == FaultKind::disk_full ? ErrorCode::full : ErrorCode::io});
}

TEST_CASE("a full disk at any write point refuses that batch and changes nothing") {
  check_every_point(FaultKind::disk_full, GENERATE(false, true), false, 0);
}

TEST_CASE("an I/O error at any write or sync never loses or invents a record") {
  check_every_point(FaultKind::io_error, GENERATE(false, true), false, 0);
}

TEST_CASE("a torn write at any point never loses or invents a record") {
  check_every_point(FaultKind::torn_write, GENERATE(false, true), false, 0);
}

TEST_CASE("a power cut at any write point loses no record that was told stored") {
  check_every_point(FaultKind::io_error, true, true, GENERATE(std::uint64_t{0}, std::uint64_t{2}));
}

TEST_CASE("the log is moved into the database and the store stays small") {
  TempDir dir;
  const std::string path = dir.file("db");
  Loop loop;
  auto opened = open_store(loop, path);
  for (int i = 0; i < 40; ++i) {
    append(loop, *opened.store, {std::string(400000, 'x')});
    std::optional<WriteResult> result;
    opened.store->compact({"small"}, [&](const WriteResult& r) { result = r; });
    REQUIRE(run_until(loop, [&] { return result.has_value(); }));
  }
  opened.store.reset();
  REQUIRE(std::filesystem::file_size(path) < 8u << 20);
  REQUIRE(load(path) == Records{"small"});
}

}  // namespace
}  // namespace bourse::runtime
