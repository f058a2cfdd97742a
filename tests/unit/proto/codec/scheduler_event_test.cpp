#include <catch2/catch.hpp>

#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/v1/scheduler_event.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
namespace v1 = mesos::v1;
using Catch::Matchers::Contains;

namespace {

EventShape shape(std::initializer_list<Capabilities::Capability> capabilities) {
  EventShape out;
  for (const auto capability : capabilities) out.capabilities.set(capability);
  return out;
}

std::string status_json(TaskState state, const EventShape& how) {
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = state;
  return encode_scheduler_event(Encoding::json, event::Update{status}, how);
}

}  // namespace

TEST_CASE("every scheduler event comes back from protobuf and from JSON") {
  const EventShape modern{{~0u}, nullptr};
  std::size_t kinds = 0;
  for (const SchedulerEvent& event : sample::scheduler_events()) {
    CAPTURE(event.index());
    for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
      const auto again =
          decode_scheduler_event(encoding, encode_scheduler_event(encoding, event, modern));
      if (!again) FAIL(again.error().message);
      CHECK(again->index() == event.index());
      CHECK(encode_scheduler_event(encoding, *again, modern) ==
            encode_scheduler_event(encoding, event, modern));
    }
    kinds |= std::size_t{1} << event.index();
  }
  CHECK(kinds == (std::size_t{1} << std::variant_size_v<SchedulerEvent>)-1);
}

TEST_CASE("SUBSCRIBED and HEARTBEAT look as Mesos writes them") {
  MasterDescription master;
  master.id = "m";
  master.hostname = "127.0.0.1";
  master.ip = "127.0.0.1";
  master.port = 5150;
  master.version = "1.12.0";
  EventShape how;
  how.master = &master;
  CHECK(encode_scheduler_event(Encoding::json,
                               event::Subscribed{FrameworkId("F"), Duration::seconds(15)}, how) ==
        R"({"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"F"},)"
        R"("heartbeat_interval_seconds":15.0,"master_info":{"id":"m","ip":16777343,"port":5150,)"
        R"("pid":"master@127.0.0.1:5150","hostname":"127.0.0.1","version":"1.12.0",)"
        R"("address":{"hostname":"127.0.0.1","ip":"127.0.0.1","port":5150},)"
        R"("capabilities":[{"type":"AGENT_UPDATE"},{"type":"AGENT_DRAINING"},)"
        R"({"type":"QUOTA_V2"}]}}})");
  CHECK(encode_scheduler_event(Encoding::json, event::Heartbeat{}, how) ==
        R"({"type":"HEARTBEAT"})");
}

TEST_CASE("allocation info is stripped for frameworks without MULTI_ROLE") {
  const SchedulerEvent offers = sample::scheduler_events()[1];
  const std::string plain = encode_scheduler_event(Encoding::json, offers, shape({}));
  CHECK(plain.find("allocation_info") == std::string::npos);
  const std::string multi =
      encode_scheduler_event(Encoding::json, offers, shape({Capabilities::multi_role}));
  CHECK_THAT(multi, Contains(R"("allocation_info":{"role":"eng/web"})"));
}

TEST_CASE("reservation stacks go only to frameworks that know refinement") {
  const SchedulerEvent offers = sample::scheduler_events()[1];
  const std::string plain = encode_scheduler_event(Encoding::json, offers, shape({}));
  CHECK(plain.find("\"reservations\"") == std::string::npos);
  CHECK_THAT(plain, Contains(R"("role":"*")"));
  const std::string refined =
      encode_scheduler_event(Encoding::json, offers, shape({Capabilities::reservation_refinement}));
  CHECK(refined.find(R"("role":"*")") == std::string::npos);
  CHECK_THAT(refined, Contains(R"("reservations":[{"type":"STATIC","role":"eng"})"));
}

TEST_CASE("offers as JSON are to the byte what the writer makes of their message") {
  auto offers = std::get<event::Offers>(sample::scheduler_events()[1]);
  REQUIRE(offers.offers.size() > 0);
  const OfferFacet first = offers.offers.front();
  const auto check = [&] {
    for (const EventShape& how :
         {shape({}), shape({Capabilities::multi_role}),
          shape({Capabilities::reservation_refinement}), EventShape{{~0u}, nullptr}}) {
      v1::scheduler::Event message;
      write_event(offers, how, message);
      CHECK(encode_scheduler_event(Encoding::json, offers, how) == to_json(message));
    }
  };
  check();
  OfferFacet plain = first;
  plain.agent = std::make_shared<AgentFacet>();
  plain.resources = *Resources::parse("cpus:0.125;mem:1000;ports:[1-2,4-4];racks:{a,b};disk(x):7");
  plain.executor_ids = {ExecutorId("e\"1"), ExecutorId("\xc3\xbc\xff")};
  offers.offers.push_back(plain);
  check();
  for (const DiskSource::Type type : {DiskSource::Type::path, DiskSource::Type::mount,
                                      DiskSource::Type::block, DiskSource::Type::raw}) {
    ResourceMeta meta;
    meta.reservations.push_back({Reservation::Type::dynamically, "r", "", {}});
    meta.disk.emplace().source = DiskSource{type, "/d", "", "", "", {{"k", std::nullopt}}};
    plain.resources.add(Resource::scalar("disk", 1001).with(meta));
    meta.disk->volume_path = "data";
    meta.disk->volume_read_only = true;
    plain.resources.add(Resource::scalar("disk", 10).with(meta));
    meta.reservations.back().labels = {{"l", "m"}};
    plain.resources.add(Resource::scalar("disk", 100).with(meta));
  }
  auto odd = std::make_shared<AgentFacet>(*first.agent);
  odd->attributes.push_back({"none", Attribute::Kind::ranges, 0, {}, {}, {}});
  odd->attributes.push_back({"none", Attribute::Kind::set, 0, {}, {}, {}});
  odd->attributes.push_back({"minus", Attribute::Kind::scalar, -1500, {}, {}, {}});
  odd->attributes.push_back({"much", Attribute::Kind::scalar, 9'000'000'000'000'001, {}, {}, {}});
  plain.agent = odd;
  offers.offers.push_back(plain);
  plain.agent = nullptr;
  plain.resources = {};
  offers.offers.push_back(plain);
  check();
  offers.offers.clear();
  check();
}

TEST_CASE("the newer task states are told only to frameworks that know them") {
  const EventShape plain = shape({});
  const EventShape aware = shape({Capabilities::partition_aware, Capabilities::task_killing_state});
  for (const TaskState state : {TaskState::dropped, TaskState::unreachable, TaskState::gone,
                                TaskState::gone_by_operator, TaskState::unknown}) {
    CHECK_THAT(status_json(state, plain), Contains("\"TASK_LOST\""));
    CHECK_THAT(status_json(state, aware), Contains("\"" + std::string(name_of(state)) + "\""));
  }
  CHECK_THAT(status_json(TaskState::killing, plain), Contains("\"TASK_RUNNING\""));
  CHECK_THAT(status_json(TaskState::killing, aware), Contains("\"TASK_KILLING\""));
  CHECK_THAT(status_json(TaskState::failed, plain), Contains("\"TASK_FAILED\""));
}

TEST_CASE("an update without a uuid is written without one, so that it is not acknowledged") {
  CHECK(status_json(TaskState::running, shape({})).find("uuid") == std::string::npos);
}

TEST_CASE("events this build does not know are told apart from broken ones") {
  const auto unknown = decode_scheduler_event(Encoding::json, R"({"type":"UNKNOWN"})");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::unsupported);
  const auto broken = decode_scheduler_event(Encoding::json, R"({"type":"OFFERS"})");
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == ErrorCode::invalid);
}
