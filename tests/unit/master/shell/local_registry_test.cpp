#include "master/shell/local_registry.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/codec/record_form.hpp"
#include "proto/codec/records.hpp"
#include "proto/v1/ids.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::master;

namespace {

struct Dir {
  Dir() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Dir() { std::filesystem::remove_all(path); }
  std::string path = "/tmp/bourse-registry-XXXXXX";
};

// As the last of a process's life.
void write(const std::string& path, std::vector<std::string> records) {
  runtime::Loop loop;
  auto opened = runtime::RecordStore::open(loop, path);
  REQUIRE(opened.ok());
  opened->store->append(std::move(records), [&](const runtime::WriteResult& result) {
    CHECK(result.status.ok());
    loop.stop();
  });
  loop.run();
}

std::size_t records_in(const std::string& path) {
  runtime::Loop loop;
  return runtime::RecordStore::open(loop, path)->records.size();
}

Status start(const std::string& path) {
  runtime::Loop loop;
  LocalRegistry registry(path);
  return registry.start(loop, {});
}

}  // namespace

TEST_CASE("a master does not lead with a file that a newer one has written, and leaves it alone") {
  const Dir dir;
  const std::string path = dir.path + "/registry.db";
  mesos::v1::AgentID unknown;
  unknown.set_value("A");
  write(path, {codec::encode_registry_command(registry::SetCluster{"cluster", 4}),
               codec::seal_record(200, unknown)});
  const Status started = start(path);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == ErrorCode::unsupported);
  CHECK(started.error().message.find("registry '" + path + "'") == 0);
  CHECK(started.error().message.find("run a newer build") != std::string::npos);
  CHECK(records_in(path) == 2);
}

TEST_CASE("a master does not lead with a file whose records say more than it knows") {
  const Dir dir;
  const std::string path = dir.path + "/registry.db";
  mesos::v1::AgentID more;  // as a SetCluster of something newer
  more.set_value("cluster");
  more.mutable_unknown_fields()->AddVarint(99, 1);
  write(path, {codec::seal_record(1, more)});
  const Status started = start(path);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == ErrorCode::unsupported);
  CHECK(started.error().message ==
        "registry '" + path +
            "': registry record with field 99 of SetCluster, which this build does not know: run a "
            "newer build");
  CHECK(records_in(path) == 1);
}

TEST_CASE("a master whose agents come and go for ever has a registry file that does not grow") {
  constexpr std::size_t kAgents = 10;
  constexpr std::size_t kMarks = 6'000;
  const Dir dir;
  const std::string path = dir.path + "/registry.db";
  const auto id = [](std::size_t i) { return AgentId("S" + std::to_string(i)); };
  const auto mark = [](std::size_t i) { return WallTime{static_cast<std::int64_t>(i)}; };
  Registry expected;
  {
    runtime::Loop loop;
    LocalRegistry registry(path);
    RegistryHandlers handlers;
    std::size_t next = 0;
    std::size_t stored = 0;
    // Always some under way, each told in its turn.
    std::function<void()> more = [&] {
      if (next == kAgents + kMarks) return;
      const std::size_t number = next++;
      RegistryCommand command = registry::SetCluster{};
      if (number < kAgents) {
        registry::AdmitAgent admit;
        admit.agent = sample::agent();
        admit.agent.id = id(number);
        command = admit;
      } else {
        const auto standing = number / kAgents % 2 == 0 ? registry::AgentStanding::admitted
                                                        : registry::AgentStanding::unreachable;
        command = registry::MarkAgent{id(number % kAgents), standing, mark(number)};
      }
      REQUIRE(bourse::apply(expected, command).ok());
      registry.store(command, [&, number](const runtime::WriteResult& result) {
        REQUIRE(result.outcome == runtime::WriteOutcome::stored);
        REQUIRE(number == stored++);
        if (stored == kAgents + kMarks) return loop.stop();
        more();
      });
    };
    handlers.on_lead = [&](Registry, Epoch) {
      for (int i = 0; i < 50; ++i) more();
    };
    REQUIRE(registry.start(loop, std::move(handlers)).ok());
    loop.run();
  }
  CHECK(records_in(path) < 1'100);
  Registry read;
  runtime::Loop loop;
  LocalRegistry registry(path);
  RegistryHandlers handlers;
  handlers.on_lead = [&](Registry found, Epoch) {
    read = std::move(found);
    loop.stop();
  };
  REQUIRE(registry.start(loop, std::move(handlers)).ok());
  loop.run();
  CHECK(read == expected);
}

TEST_CASE("a master does not lead with a file whose record was changed, and leaves it alone") {
  const Dir dir;
  const std::string path = dir.path + "/registry.db";
  std::string record = codec::encode_registry_command(registry::SetCluster{"cluster", 4});
  record.back() = static_cast<char>(record.back() ^ 1);
  write(path, {record});
  const Status started = start(path);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == ErrorCode::corrupt);
  CHECK(started.error().message.find("registry '" + path + "'") == 0);
  CHECK(records_in(path) == 1);
}
