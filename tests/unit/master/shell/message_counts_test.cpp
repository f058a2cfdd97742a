#include "master/shell/message_counts.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::master;

namespace {

double counted(const MessageCounts& counts, const std::string& name) {
  Metrics all;
  counts.read(all);
  for (const auto& [key, value] : all) {
    if (key == "master/messages_" + name) return value;
  }
  return -1;
}

FromFramework of(SchedulerCall call) {
  return {PeerId(1), {}, {{}, std::move(call)}, {}};
}

FromAgent of(decltype(AgentToMaster::body) body) {
  return {PeerId(2), {}, {{}, std::move(body)}};
}

}  // namespace

TEST_CASE("messages are counted under the names that Mesos has for them") {
  MessageCounts counts;
  const FrameworkId id("F");
  counts.count(of(SchedulerCall{FrameworkId(), call::Subscribe{}}));
  counts.count(of(SchedulerCall{id, call::Subscribe{}}));
  counts.count(of(SchedulerCall{id, call::ReconcileOperations{}}));
  counts.count(of(SchedulerCall{id, call::ReconcileOperations{}}));
  counts.count(of(SchedulerCall{id, call::Reconcile{}}));
  counts.count(of(SchedulerCall{id, call::Accept{}}));  // launches nothing
  call::Accept accept;
  accept.operations.push_back({OperationId(), LaunchOperation{}});
  counts.count(of(SchedulerCall{id, accept}));
  counts.count(FromFramework{PeerId(1), {}, {}, {}});  // a heartbeat
  AgentFacet known;
  known.id = AgentId("A");
  counts.count(of(to_master::Register{
      std::make_shared<const AgentFacet>(), {}, {}, {}, {}, {}, {}, {}, {}, {}}));
  counts.count(of(to_master::Register{
      std::make_shared<const AgentFacet>(known), {}, {}, {}, {}, {}, {}, {}, {}, {}}));
  counts.count(of(to_master::Oversubscribed{}));
  counts.count(PeerGone{PeerId(1)});
  CHECK(counted(counts, "register_framework") == 1);
  CHECK(counted(counts, "reregister_framework") == 1);
  CHECK(counted(counts, "reconcile_operations") == 2);
  CHECK(counted(counts, "reconcile_tasks") == 1);
  CHECK(counted(counts, "launch_tasks") == 1);
  CHECK(counted(counts, "register_slave") == 1);
  CHECK(counted(counts, "reregister_slave") == 1);
  CHECK(counted(counts, "update_slave") == 1);
  CHECK(counted(counts, "exited_executor") == 0);
  CHECK(counted(counts, "kill_task") == 0);
}
