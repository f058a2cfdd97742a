#include "proto/codec/records.hpp"

#include <catch2/catch.hpp>

#include "proto/codec/record_form.hpp"
#include "proto/internal/checkpoint.pb.h"
#include "proto/internal/registry.pb.h"
#include "proto/v1/ids.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

}  // namespace

TEST_CASE("every registry command comes back from its record") {
  Registry ours, theirs;
  std::size_t kind = 0;
  for (const RegistryCommand& command : sample::registry_commands()) {
    CAPTURE(command.index());
    CHECK(command.index() == kind++);
    const std::string record = encode_registry_command(command);
    CHECK(static_cast<std::size_t>(record[1]) == command.index() + 1);
    const auto decoded = decode_registry_command(record);
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->index() == command.index());
    CHECK(encode_registry_command(*decoded) == record);
    CHECK(apply(ours, command) == apply(theirs, *decoded));
    CHECK(ours == theirs);
  }
  CHECK(kind == std::variant_size_v<RegistryCommand>);
}

TEST_CASE("every checkpoint record comes back from its bytes") {
  std::size_t kind = 0;
  for (const CheckpointRecord& value : sample::checkpoint_records()) {
    CAPTURE(value.index());
    CHECK(value.index() == kind++);
    const std::string record = encode_checkpoint_record(value);
    const auto decoded = decode_checkpoint_record(record);
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->index() == value.index());
    CHECK(encode_checkpoint_record(*decoded) == record);
  }
  CHECK(kind == std::variant_size_v<CheckpointRecord>);
  const auto launched = decode_checkpoint_record(encode_checkpoint_record(
      checkpoint::TaskLaunched{FrameworkId("F1"), ExecutorId("E1"), sample::task(), LaunchId{2, 9},
                               true, WallTime{5}, "eng/web"}));
  REQUIRE(launched.ok());
  CHECK(std::get<checkpoint::TaskLaunched>(*launched).group);
  CHECK(std::get<checkpoint::TaskLaunched>(*launched).launched_at == WallTime{5});
  CHECK(std::get<checkpoint::TaskLaunched>(*launched).task == sample::task());
  CHECK(std::get<checkpoint::TaskLaunched>(*launched).role == "eng/web");
  const auto stored = decode_checkpoint_record(
      encode_checkpoint_record(checkpoint::UpdateStored{FrameworkId("F1"), sample::status()}));
  REQUIRE(stored.ok());
  CHECK(std::get<checkpoint::UpdateStored>(*stored).status == sample::status());
}

TEST_CASE("a checkpoint keeps what led to a kill, and reads kills of builds that stored none") {
  const auto sealed = [](KillCause cause) {
    return encode_checkpoint_record(
        checkpoint::KillRequested{FrameworkId("F1"), TaskId("t1"), cause});
  };
  const auto cause_in = [](std::string_view record) {
    const auto decoded = decode_checkpoint_record(record);
    if (!decoded) FAIL(decoded.error().message);
    const auto& kill = std::get<checkpoint::KillRequested>(*decoded);
    CHECK(kill.framework_id == FrameworkId("F1"));
    CHECK(kill.task_id == TaskId("t1"));
    return kill.cause;
  };
  for (const KillCause cause :
       {KillCause::unsaid, KillCause::asked, KillCause::drain, KillCause::drain_to_gone}) {
    CHECK(cause_in(sealed(cause)) == cause);
  }
  // As they stand on disks.
  const std::string before = from_hex("0109e86eff0f88cffe6a0a02463112027431");
  CHECK(cause_in(before) == KillCause::unsaid);
  CHECK(sealed(KillCause::unsaid) == before);
  const std::string drained = from_hex("0109f05b1cd5b4b854a20a024631120274312002");
  CHECK(sealed(KillCause::drain) == drained);
  // Of a build that knows more of them.
  internal::checkpoint::TaskMark later;
  later.set_framework_id("F1");
  later.set_task_id("t1");
  later.set_cause(77);
  CHECK(cause_in(seal_record(9, later)) == KillCause::unsaid);
}

TEST_CASE("a record that is cut anywhere is corrupt") {
  const std::string record = encode_checkpoint_record(sample::checkpoint_records()[4]);
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto decoded = decode_checkpoint_record(std::string_view(record).substr(0, size));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("a record with any byte changed is refused") {
  for (const std::string& record : {encode_registry_command(sample::registry_commands()[3]),
                                    encode_registry_command(sample::registry_commands()[7])}) {
    for (std::size_t at = 0; at < record.size(); ++at) {
      std::string damaged = record;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
      CAPTURE(at);
      CHECK_FALSE(decode_registry_command(damaged).ok());
    }
  }
}

TEST_CASE("a registry record with what only newer builds write is refused, not read without it") {
  const auto refused = [](std::size_t kind, const google::protobuf::MessageLite& payload) {
    const auto decoded = decode_registry_command(seal_record(kind, payload));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::unsupported);
    return decoded.error().message;
  };
  internal::registry::FrameworkEnd end;
  end.set_framework_id("F");
  REQUIRE(decode_registry_command(seal_record(7, end)).ok());
  end.mutable_unknown_fields()->AddVarint(77, 1);
  CHECK(refused(7, end) ==
        "registry record with field 77 of FrameworkEnd, which this build does not know: run a "
        "newer build");
  // However deep.
  internal::registry::Quotas quotas;
  auto& quota = *quotas.add_quotas();
  quota.set_role("eng");
  auto& amount = *quota.add_limits();
  amount.set_name("cpus");
  amount.mutable_unknown_fields()->AddLengthDelimited(9, "new");
  CHECK(refused(10, quotas).find("field 9 of Amount") != std::string::npos);
}

TEST_CASE(
    "a framework that is here has the record that builds before absences were counted wrote") {
  const auto here =
      encode_registry_command(registry::PutFramework{sample::framework(), WallTime{3}});
  internal::registry::Framework read;
  REQUIRE(read.ParseFromString(here.substr(10)));
  CHECK_FALSE(read.has_away_ns());
}

TEST_CASE("a record of a kind that only newer builds write is named, not guessed") {
  mesos::v1::AgentID payload;
  payload.set_value("A");
  for (const Error& error : {decode_registry_command(seal_record(200, payload)).error(),
                             decode_checkpoint_record(seal_record(200, payload)).error()}) {
    CHECK(error.code == ErrorCode::unsupported);
    CHECK(error.message.find("of kind 200: this build does not know it: run a newer build") !=
          std::string::npos);
  }
  // Kind 5 of one is not kind 5 of the other.
  const std::string record = encode_registry_command(registry::RemoveAgent{AgentId("A")});
  CHECK(decode_registry_command(record).ok());
  CHECK_FALSE(decode_checkpoint_record(record).ok());
}
