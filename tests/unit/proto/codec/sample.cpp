#include "tests/unit/proto/codec/sample.hpp"

#include <cstdlib>
#include <stdexcept>

#include "proto/codec/facet_read.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::sample {

namespace {

template <typename Message>
Message parsed(const std::string& json) {
  Message out;
  const Status ok = codec::from_json(json, out);
  if (!ok) throw std::runtime_error(ok.error().message);
  return out;
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

constexpr const char* kResources = R"([
  {"name":"cpus","type":"SCALAR","scalar":{"value":2.5}},
  {"name":"mem","type":"SCALAR","scalar":{"value":512},
   "reservations":[{"type":"STATIC","role":"eng"},
                   {"type":"DYNAMIC","role":"eng/web","principal":"p",
                    "labels":{"labels":[{"key":"k","value":"v"},{"key":"bare"}]}}]},
  {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31099},
                                                     {"begin":32000,"end":32000}]}},
  {"name":"disks","type":"SET","set":{"item":["sdb","sda"]}},
  {"name":"disk","type":"SCALAR","scalar":{"value":128},"shared":{},
   "provider_id":{"value":"rp"},
   "reservations":[{"type":"DYNAMIC","role":"eng"}],
   "disk":{"persistence":{"id":"vol-1","principal":"p"},
           "volume":{"mode":"RW","container_path":"data"},
           "source":{"type":"MOUNT","mount":{"root":"/mnt"},"id":"i","profile":"fast",
                     "vendor":"v","metadata":{"labels":[{"key":"m"}]}}}},
  {"name":"cpus","type":"SCALAR","scalar":{"value":1},"revocable":{}}])";

}  // namespace

Resources resources() {
  auto info = parsed<mesos::v1::AgentInfo>(std::string(R"({"hostname":"h","resources":)") +
                                           kResources + "}");
  return must(codec::read_resources(info.resources(), "sample"));
}

AgentFacet agent() {
  auto info = parsed<mesos::v1::AgentInfo>(
      std::string(R"({"hostname":"node-1","port":5051,"id":{"value":"A1"},
        "attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}},
                      {"name":"gen","type":"SCALAR","scalar":{"value":3}},
                      {"name":"ids","type":"RANGES","ranges":{"range":[{"begin":1,"end":5}]}},
                      {"name":"tags","type":"SET","set":{"item":["a","b"]}}],
        "domain":{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"a"}}},
        "resources":)") +
      kResources + "}");
  AgentFacet out = must(codec::read_agent(info, "sample"));
  out.http.ip = "127.0.0.1";
  out.version = "1.0.0";
  return out;
}

FrameworkFacet framework() {
  auto info = parsed<mesos::v1::FrameworkInfo>(R"({"user":"root","name":"fw",
      "id":{"value":"F1"},"failover_timeout":3600.5,"checkpoint":true,"roles":["eng/web","batch"],
      "hostname":"client","principal":"p","webui_url":"http://x/",
      "capabilities":[{"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"},
                      {"type":"RESERVATION_REFINEMENT"}],
      "labels":{"labels":[{"key":"bourse.ui","value":"crawler"}]},
      "offer_filters":{"batch":{"min_allocatable_resources":{"quantities":[
        {"quantities":{"cpus":{"value":0.5},"mem":{"value":64}}}]}}}})");
  return must(codec::read_framework(info, "sample"));
}

ExecutorFacet executor() {
  auto info = parsed<mesos::v1::ExecutorInfo>(std::string(R"({"type":"CUSTOM",
      "executor_id":{"value":"E1"},"name":"ex","data":"AAEC",
      "command":{"value":"./run","user":"nobody","environment":{"variables":[
        {"name":"A","value":"1"},
        {"name":"S","type":"SECRET","secret":{"type":"REFERENCE","reference":{"name":"db"}}}]}},
      "shutdown_grace_period":{"nanoseconds":7000000000},"resources":)") +
                                              kResources + "}");
  return must(codec::read_executor(info, FrameworkId("F1"), "sample"));
}

TaskFacet task(const std::string& id) {
  auto info = parsed<mesos::v1::TaskInfo>(std::string(R"({"name":"t","task_id":{"value":")") + id +
                                          R"("},"agent_id":{"value":"A1"},
      "command":{"value":"sleep 1","user":"nobody"},
      "container":{"type":"MESOS","mesos":{"image":{"type":"DOCKER","docker":{"name":"alpine"}}},
        "volumes":[{"mode":"RW","container_path":"c","host_path":"/srv"}]},
      "kill_policy":{"grace_period":{"nanoseconds":3000000000}},
      "max_completion_time":{"nanoseconds":60000000000},
      "limits":{"cpus":{"value":4},"mem":{"value":"Infinity"}},
      "health_check":{"type":"COMMAND","command":{"value":"true"}},
      "labels":{"labels":[{"key":"k","value":"v"}]},"resources":)" +
                                          kResources + "}");
  return must(codec::read_task(info, FrameworkId("F1"), "sample"));
}

Uuid uuid(std::uint8_t seed) {
  Uuid out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    out.bytes[i] = static_cast<std::uint8_t>(seed + 17 * i);
  }
  return out;
}

TaskStatus status() {
  auto message = parsed<mesos::v1::TaskStatus>(R"({"task_id":{"value":"task-1"},
      "state":"TASK_FAILED","message":"exited with 3","source":"SOURCE_EXECUTOR",
      "reason":"REASON_CONTAINER_LIMITATION_MEMORY","data":"/wA=","agent_id":{"value":"A1"},
      "executor_id":{"value":"E1"},"timestamp":1795357989.814,"uuid":"r9abJUr0SbWlX4wvUJbB7A==",
      "healthy":false,"labels":{"labels":[{"key":"k"}]},
      "unreachable_time":{"nanoseconds":1795357989000000000},
      "container_status":{"container_id":{"value":"C1"},"executor_pid":4613,
        "network_infos":[{"ip_addresses":[{"protocol":"IPv4","ip_address":"127.0.0.1"}]}]}})");
  return must(codec::read_status(message, "sample"));
}

namespace {

Resource of_web(std::int64_t milli, const char* volume) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, "eng", "p", {{"k", "v"}}});
  meta.reservations.push_back({Reservation::Type::dynamically, "eng/web", "p", {}});
  if (*volume != 0) {
    meta.disk.emplace().persistence_id = volume;
    meta.disk->persistence_principal = "p";
    meta.disk->volume_path = "data";
    meta.shared = true;
  }
  return Resource::scalar("disk", milli).with(std::move(meta));
}

}  // namespace

std::vector<ResourceOperation> resource_operations() {
  using Type = ResourceOperation::Type;
  const Resources disk({of_web(8000, "")});
  const Resources volume({of_web(8000, "v")});
  return {
      {Type::reserve, disk, {}, 0},
      {Type::reserve, disk, Resources({Resource::scalar("disk", 8000)}), 0},
      {Type::unreserve, disk, {}, 0},
      {Type::create, volume, {}, 0},
      {Type::destroy, volume, {}, 0},
      {Type::grow_volume, volume, disk, 0},
      {Type::shrink_volume, volume, {}, 2500},
  };
}

OperationOrder operation_order() {
  return {uuid(6), FrameworkId("F1"), OperationId("op"), "eng/web", resource_operations()[3]};
}

std::vector<SchedulerCall> scheduler_calls() {
  using Of = AttributeConstraint::Of;
  using Test = AttributeConstraint::Test;
  const FrameworkId f("F1");
  const OfferConstraints asked{{{"batch",
                                 {{{Of::attribute, "rack", Test::matches, "r[0-9]+", {}},
                                   {Of::zone, "", Test::not_exists, "", {}}},
                                  {{Of::hostname, "", Test::equals, "h", {}},
                                   {Of::region, "", Test::exists, "", {}},
                                   {Of::attribute, "a", Test::not_equals, "", {}},
                                   {Of::attribute, "b", Test::not_matches, "x", {}}}}}}};
  const OfferOperation launch{OperationId("op"), LaunchOperation{{task("t1"), task("t2")}}};
  const OfferOperation group{OperationId(), LaunchGroupOperation{executor(), {task("t3")}}};
  const OfferOperation other{OperationId(), UnsupportedOperation{"CREATE_DISK"}};
  std::vector<OfferOperation> operations{launch, group, other};
  for (const ResourceOperation& one : resource_operations()) {
    operations.push_back({OperationId("op"), one});
  }
  return {
      {f, call::Subscribe{framework(), {"batch"}, std::make_shared<const OfferConstraints>(asked)}},
      {f, call::Teardown{}},
      {f, call::Accept{{OfferId("O1"), OfferId("O2")}, operations, {Duration::milliseconds(1500)}}},
      {f, call::Decline{{OfferId("O3")}, {Duration::seconds(60)}}},
      {f, call::Revive{{"batch"}}},
      {f, call::Suppress{{}}},
      {f, call::Kill{TaskId("t1"), AgentId("A1"), Duration::seconds(2)}},
      {f, call::Kill{TaskId("t1"), AgentId(), std::nullopt}},
      {f, call::Shutdown{ExecutorId("E1"), AgentId("A1")}},
      {f, call::Acknowledge{AgentId("A1"), TaskId("t1"), uuid(1)}},
      {f, call::Reconcile{{{TaskId("t1"), AgentId("A1")}, {TaskId("t2"), AgentId()}}}},
      {f, call::Message{AgentId("A1"), ExecutorId("E1"), std::string("\0\xff", 2)}},
      {f, call::UpdateFramework{framework(), {}}},
      {f, call::Request{{{"", {{{"cpus", 2'000}, {"mem", 1'024'000}}, 3, AgentId()}},
                         {"eng/web", {{{"ports", 1'000}}, 1, AgentId("A1")}}}}},
      {f, call::Request{}},
      {f, call::AnswerInverseOffers{true, {OfferId("I1"), OfferId("I2")}, {Duration::seconds(7)}}},
      {f, call::AnswerInverseOffers{false, {OfferId("I3")}, {Duration::seconds(5)}}},
      {f, call::AcknowledgeOperation{AgentId("A1"), OperationId("op"), uuid(5)}},
      {f, call::ReconcileOperations{{{OperationId("op"), AgentId("A1")},
                                     {OperationId("o2"), AgentId()}}}},
  };
}

std::vector<SchedulerEvent> scheduler_events() {
  const OfferFacet offer{OfferId("O1"),
                         std::string("eng/web"),
                         std::make_shared<const AgentFacet>(agent()),
                         resources(),
                         {ExecutorId("E1")}};
  const auto until =
      std::make_shared<const Unavailability>(Unavailability{WallTime{900}, Duration::seconds(60)});
  const auto ever =
      std::make_shared<const Unavailability>(Unavailability{WallTime{1'000}, std::nullopt});
  OfferFacet planned = offer;
  planned.unavailability = until;
  return {
      event::Subscribed{FrameworkId("F1"), Duration::seconds(15)},
      event::Offers{FrameworkId("F1"), {offer, offer}},
      event::Rescind{OfferId("O1")},
      event::Update{status()},
      event::Message{AgentId("A1"), ExecutorId("E1"), "hi"},
      event::Failure{AgentId("A1"), ExecutorId("E1"), 9},
      event::Failure{AgentId("A1"), ExecutorId(), std::nullopt},
      event::Error{"no"},
      event::Heartbeat{},
      event::UpdateOperation{
          {OperationId("op"), OperationState::failed, "why", uuid(7), AgentId("A1")}},
      event::Offers{FrameworkId("F1"), {planned}},
      event::InverseOffers{
          FrameworkId("F1"),
          {{OfferId("I1"), offer.agent, until}, {OfferId("I2"), offer.agent, ever}}},
      event::RescindInverse{OfferId("I1")},
  };
}

std::vector<ExecutorCall> executor_calls() {
  const FrameworkId f("F1");
  const ExecutorId e("E1");
  return {
      {f, e, "token", executor_call::Subscribe{{task("t1")}, {status()}}},
      {f, e, "token", executor_call::Update{status()}},
      {f, e, "token", executor_call::Message{"data"}},
      {f, e, "token", executor_call::Heartbeat{}},
  };
}

std::vector<ExecutorEvent> executor_events() {
  const auto t = std::make_shared<const TaskFacet>(task());
  return {
      executor_event::Subscribed{std::make_shared<const ExecutorFacet>(executor()),
                                 std::make_shared<const FrameworkFacet>(framework()),
                                 std::make_shared<const AgentFacet>(agent()), ContainerId("C1"),
                                 "eng/web"},
      executor_event::Launch{t, "eng/web"},
      executor_event::LaunchGroup{{t, t}, "*"},
      executor_event::Kill{TaskId("t1"), Duration::seconds(1)},
      executor_event::Acknowledged{TaskId("t1"), uuid(2)},
      executor_event::Message{"x"},
      executor_event::Shutdown{},
      executor_event::Error{"bad"},
      executor_event::Heartbeat{},
  };
}

namespace {

Resources lent() {
  ResourceMeta meta;
  meta.revocable = true;
  return Resources({Resource::scalar("cpus", 1'250).with(meta)});
}

}  // namespace

std::vector<AgentToMaster> agent_messages() {
  const LinkHeader header{7, 3, 2};
  const FrameworkId f("F1");
  to_master::Register hello;
  hello.agent = std::make_shared<const AgentFacet>(agent());
  hello.incarnation = 5;
  hello.cluster_id = "cluster";
  hello.epoch_seen = 2;
  hello.frameworks = {{std::make_shared<const FrameworkFacet>(framework())}};
  hello.executors = {
      {f, std::make_shared<const ExecutorFacet>(executor()), ContainerId("C1"), "eng/web"}};
  hello.tasks = {{f, std::make_shared<const TaskFacet>(task()), LaunchId{2, 9}, ExecutorId("E1"),
                  true, TaskState::running, status(), true, "eng/web"},
                 {f, std::make_shared<const TaskFacet>(task("t2")), LaunchId{}, ExecutorId("t2"),
                  false, TaskState::staging, std::nullopt, false, "", true, true}};
  hello.total = resources();
  hello.operations = {{operation_order(), OperationState::finished, uuid(8), ""},
                      {operation_order(), OperationState::failed, std::nullopt, "why"}};
  hello.oversubscribed = lent();
  hello.leaks = {{f, ExecutorId("E1"), resources(), false}};
  return {
      {header, hello},
      {header, to_master::StatusUpdate{f, status(), TaskState::failed}},
      {header, to_master::ExecutorExited{f, ExecutorId("E1"), -9}},
      {header, to_master::ContainerLeaked{f, ExecutorId("E1"), resources(), true}},
      {header, to_master::ExecutorMessage{f, ExecutorId("E1"), "data"}},
      {{7, 0, 2}, to_master::Heartbeat{41}},
      {header, to_master::Leaving{}},
      {header, to_master::OperationOutcomes{{{uuid(6), true, uuid(8), ""},
                                             {uuid(7), false, std::nullopt, "why"}}}},
      {header, to_master::Oversubscribed{lent()}},
  };
}

std::vector<MasterToAgent> master_messages() {
  const LinkHeader header{7, 3, 2};
  const FrameworkId f("F1");
  const auto fw = std::make_shared<const FrameworkFacet>(framework());
  const auto ex = std::make_shared<const ExecutorFacet>(executor());
  const auto t = std::make_shared<const TaskFacet>(task());
  return {
      {header,
       to_agent::Registered{AgentId("A1"), "cluster", Duration::seconds(1), Duration::seconds(5)}},
      {header, to_agent::Refused{"full", Duration::seconds(3), true}},
      {header, to_agent::Refused{"gone", {}, false, true}},
      {header, to_agent::Refused{"older", {}, false, false, 77}},
      {header, to_agent::Launch{LaunchId{2, 9}, fw, ex, {t, t}, true, "eng/web"}},
      {header, to_agent::Launch{LaunchId{2, 10}, fw, nullptr, {t}, false}},
      {header, to_agent::Kill{f, TaskId("t1"), Duration::seconds(4)}},
      {header, to_agent::Kill{f, TaskId("t1"), std::nullopt, KillCause::drain_to_gone}},
      {header, to_agent::Kill{f, TaskId("t1"), std::nullopt, KillCause::unsaid}},
      {header, to_agent::ShutdownExecutor{f, ExecutorId("E1")}},
      {header, to_agent::ShutdownFramework{f}},
      {header, to_agent::Acknowledge{f, TaskId("t1"), uuid(3)}},
      {header, to_agent::FrameworkMessage{f, ExecutorId("E1"), "data"}},
      {header, to_agent::UpdateFramework{fw}},
      {{7, 0, 2}, to_agent::Heartbeat{12}},
      {header, to_agent::Reregister{"gap"}},
      {header, to_agent::ApplyOperations{{operation_order(), operation_order()}}},
      {header, to_agent::AcknowledgeOperations{{uuid(6), uuid(7)}}},
  };
}

std::vector<RegistryCommand> registry_commands() {
  return {
      registry::SetCluster{"cluster", 4},
      registry::AdmitAgent{agent(), WallTime{100}},
      registry::UpdateAgent{agent()},
      registry::MarkAgent{AgentId("A1"), registry::AgentStanding::unreachable, WallTime{200}},
      registry::RemoveAgent{AgentId("A1")},
      registry::PutFramework{framework(), WallTime{300}, Duration::seconds(60)},
      registry::RemoveFramework{FrameworkId("F1"), WallTime{400}},
      registry::SetWeight{"eng", 2500},
      registry::SetMaintenance{AgentId("A1"),
                               {AgentDuty::draining, Duration::seconds(9), true, WallTime{500},
                                true, Duration::seconds(60)}},
      registry::SetQuotas{
          {{"eng", {{{"cpus", 1'000}}, {{"cpus", 2'000}, {"mem", 512'000}}}}, {"eng/web", {}}}},
      registry::SetWeights{{{"eng", 2500}, {"ops", 500}}},
      registry::SetSchedule{
          {{{{{"a.example", "10.0.0.1"}, {"", "10.0.0.2"}}, {WallTime{900}, Duration::seconds(60)}},
            {{{"b.example", ""}}, {WallTime{1'000}, std::nullopt}}},
           {{"", "10.0.0.2"}}}},
  };
}

std::vector<CheckpointRecord> checkpoint_records() {
  const FrameworkId f("F1");
  return {
      checkpoint::Identity{agent(), "cluster", 4, "boot"},
      checkpoint::FrameworkSeen{framework()},
      checkpoint::ExecutorLaunched{f, executor(), true, ContainerId("C1"), "token", "eng/web"},
      checkpoint::TaskLaunched{f, ExecutorId("E1"), task(), LaunchId{2, 9}, true, WallTime{77},
                               "eng/web"},
      checkpoint::UpdateStored{f, status()},
      checkpoint::UpdateAcknowledged{f, TaskId("t1"), uuid(4)},
      checkpoint::TaskForgotten{f, TaskId("t1")},
      checkpoint::ExecutorForgotten{f, ExecutorId("E1")},
      checkpoint::KillRequested{f, TaskId("t1")},
      checkpoint::LifeBegun{1'700'000'000'000, "boot"},
      checkpoint::OperationApplied{operation_order(), uuid(8), true},
      checkpoint::OperationForgotten{uuid(6)},
      checkpoint::ResourcesConverted{{resources(), Resources({of_web(1000, "v")})}},
      checkpoint::ContainerLeaked{f, ExecutorId("E1"), ContainerId("C1"), resources()},
      checkpoint::OperationFailed{operation_order(), uuid(9), "why"},
  };
}

service::AppVersion app_version() {
  using Kind = service::PlaceRule::Kind;
  service::AppVersion out{3, 2, service::VersionCause::scaled, WallTime{1'700'000'000'000}, {}};
  service::AppTask& task = out.definition.task;
  task.arguments = {"/bin/server", "--port", ""};
  task.environment = {{"A", "1"}, {"B", ""}};
  task.user = "nobody";
  task.cpu_milli = 250;
  task.memory_mb = 128;
  task.disk_mb = 10;
  task.gpus = 1;
  task.ports = 2;
  task.labels = {{"tier", "front"}};
  task.rules = {{"rack", Kind::equals, "r1", 1},
                {"os", Kind::unlike, "old", 1},
                {"ssd", Kind::exists, "", 1},
                {"hostname", Kind::unique, "", 1},
                {"zone", Kind::max_per, "", 2}};
  task.kill_grace = Duration::milliseconds(2'500);
  out.definition.policy = {4,
                           2,
                           3,
                           Duration::seconds(7),
                           Duration::milliseconds(500),
                           Duration::seconds(30),
                           Duration::seconds(90),
                           Duration{}};
  return out;
}

service::InstanceRecord app_instance() {
  return {1,
          2,
          AgentId("S1"),
          "host-1",
          WallTime{1'700'000'000'001},
          {{"zone", "z1"}, {"hostname", ""}},
          {31000, 31005}};
}

std::vector<ServiceCommand> service_commands() {
  const AppId web("web");
  return {
      service::SetFramework{"F1", 3},
      service::PutApp{web, 2, app_version(), 9},
      service::RemoveApp{web},
      service::ForgetApp{web},
      service::AddInstance{web, app_instance()},
      service::EndInstance{web, 1},
  };
}

}  // namespace bourse::sample
