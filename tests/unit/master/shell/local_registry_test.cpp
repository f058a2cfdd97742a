#include "master/shell/local_registry.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "proto/codec/record_form.hpp"
#include "proto/codec/records.hpp"
#include "proto/v1/ids.pb.h"

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
