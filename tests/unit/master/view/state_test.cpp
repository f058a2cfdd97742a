#include <algorithm>

#include "cluster_words.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;

namespace {

change::OfferAdded offer_of(std::uint64_t number, const char* framework_id, const char* agent_id,
                            const char* resources) {
  FrameworkFacet framework;
  framework.id = FrameworkId(framework_id);
  AgentFacet agent;
  agent.id = AgentId(agent_id);
  return {number, std::make_shared<const FrameworkFacet>(framework),
          std::make_shared<const AgentFacet>(agent), std::string("web"),
          Resources::parse(resources).value()};
}

}  // namespace

TEST_CASE("what tasks, executors and offers hold is summed by agent and framework and given back") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.task("f", "t1");
  t.task("f", "t2");
  const auto used = [&] {
    return t.view.state().agents().at(AgentId("a1")).used.all().scalar_milli("cpus");
  };
  REQUIRE(used() == 2000);
  REQUIRE(t.view.state().framework(FrameworkId("f"))->used.all().scalar_milli("cpus") == 2000);
  t.say(offer_of(7, "f", "a1", "cpus:6"));
  REQUIRE(t.view.state().agents().at(AgentId("a1")).offered.all().scalar_milli("cpus") == 6000);
  t.say(change::OfferRemoved{7, change::OfferRemoved::Why::declined});
  REQUIRE(t.view.state().agents().at(AgentId("a1")).offered.empty());
  t.update("f", "t1", TaskState::finished);
  REQUIRE(used() == 1000);
  t.settle("f", "t1");
  REQUIRE(used() == 1000);
  t.settle("f", "t2");
  REQUIRE(used() == 0);
}

TEST_CASE("a task moves from living to unreachable and back and into history") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.task("f", "t");
  t.update("f", "t", TaskState::unreachable);
  REQUIRE(t.view.state().tasks().empty());
  REQUIRE(t.view.state().unreachable_tasks().size() == 1);
  t.update("f", "t", TaskState::running);
  REQUIRE(t.view.state().tasks().size() == 1);
  t.update("f", "t", TaskState::finished);
  t.settle("f", "t");
  REQUIRE(t.view.state().tasks().empty());
  REQUIRE(t.view.state().completed_tasks().size() == 1);
  REQUIRE(t.view.state().counters().tasks_ended.at(TaskState::finished) == 1);
}

TEST_CASE("history keeps the newest tasks of a framework and counts what it evicted") {
  Told t;
  t.agent("a1");
  t.framework("f");
  const std::size_t more = 5;
  for (std::size_t i = 0; i < limits::kMaxCompletedTasksPerFramework + more; ++i) {
    const std::string id = "t" + std::to_string(i);
    t.task("f", id.c_str());
    t.update("f", id.c_str(), TaskState::finished);
    t.settle("f", id.c_str());
  }
  REQUIRE(t.view.state().completed_tasks().size() == limits::kMaxCompletedTasksPerFramework);
  REQUIRE(t.view.state().completed_tasks().rbegin()->second.task->id == TaskId("t5"));
  REQUIRE(t.view.state().counters().history_evicted == more);
}

TEST_CASE("only the newest completed frameworks are kept, with their tasks") {
  Told t;
  t.agent("a1");
  for (std::size_t i = 0; i <= limits::kMaxCompletedFrameworks; ++i) {
    const std::string id = "f" + std::to_string(i);
    t.framework(id.c_str());
    t.task(id.c_str(), "t");
    t.update(id.c_str(), "t", TaskState::killed);
    t.settle(id.c_str(), "t");
    t.say(change::FrameworkRemoved{FrameworkId(id), WallTime{5}});
  }
  REQUIRE(t.view.state().completed_frameworks().size() == limits::kMaxCompletedFrameworks);
  REQUIRE(t.view.state().completed_tasks().size() == limits::kMaxCompletedFrameworks);
  REQUIRE(t.view.state().completed_frameworks().front().put.framework->id == FrameworkId("f1"));
}

TEST_CASE("a published document is read until its framework ends") {
  Told t;
  t.framework("f");
  t.say(
      change::Published{FrameworkId("f"), "stats.json", std::make_shared<const std::string>("{}")});
  REQUIRE(published_document(t.view.state(), FrameworkId("f"), "stats.json").value() == "{}");
  REQUIRE(published_document(t.view.state(), FrameworkId("f"), "x").error().code ==
          ErrorCode::not_found);
  t.say(change::FrameworkRemoved{FrameworkId("f"), WallTime{}});
  REQUIRE(published_document(t.view.state(), FrameworkId("f"), "stats.json").error().code ==
          ErrorCode::not_found);
}

TEST_CASE("metrics tell what is used and what is offered of one moment") {
  Told t;
  t.agent("a1");
  t.agent("a2");
  t.framework("f");
  t.task("f", "t1");
  t.say(offer_of(7, "f", "a2", "cpus:6;mem:512"));
  const Metrics metrics = cluster_metrics(t.view.state());
  const auto value = [&](const std::string& name) {
    const auto it = std::find_if(metrics.begin(), metrics.end(),
                                 [&](const auto& metric) { return metric.first == name; });
    return it == metrics.end() ? -1 : it->second;
  };
  CHECK(value("master/outstanding_offers") == 1);
  CHECK(value("master/cpus_used") == 1);
  CHECK(value("allocator/mesos/resources/cpus/total") == 16);
  CHECK(value("allocator/mesos/resources/cpus/offered_or_allocated") == 7);
  CHECK(value("allocator/mesos/resources/mem/offered_or_allocated") == 512);
}

TEST_CASE("metrics tell quotas, shares of roles and operations that are under way") {
  Told t;
  t.agent("a1");
  t.agent("a2");
  t.framework("f");
  t.task("f", "t1");
  t.say(offer_of(7, "f", "a2", "cpus:3;mem:1024"));
  t.say(change::QuotaSet{"web", {{{"cpus", 500}}, {{"mem", 64'000}}}});
  OperationOrder order;
  order.uuid = make_uuid(1, 1);
  order.operation.type = ResourceOperation::Type::grow_volume;
  OperationStatus status;
  status.state = OperationState::pending;
  t.say(change::OperationPut{AgentId("a1"), std::make_shared<const OperationOrder>(order), status});
  const auto value = [&](const std::string& name) {
    for (const auto& [key, number] : cluster_metrics(t.view.state())) {
      if (key == name) return number;
    }
    return -1.0;
  };
  CHECK(value("allocator/mesos/quota/roles/web/resources/cpus/guarantee") == 0.5);
  CHECK(value("allocator/mesos/quota/roles/web/resources/mem/limit") == 64);
  CHECK(value("allocator/mesos/quota/roles/web/resources/mem/guarantee") == -1);
  // Of the memory half, of the cpus a quarter.
  CHECK(value("allocator/mesos/roles/web/shares/dominant") == 0.5);
  t.say(change::WeightSet{"web", 2'000});
  CHECK(value("allocator/mesos/roles/web/shares/dominant") == 0.25);
  CHECK(value("master/operations/pending") == 1);
  CHECK(value("master/operations/grow_volume/pending") == 1);
  CHECK(value("master/operations/reserve/pending") == 0);
  CHECK(value("master/operations/unreachable") == 0);
}

TEST_CASE("metrics count agents that are to be marked unreachable, are, or came back in time") {
  Told t;
  const auto counted = [&] {
    const ViewCounters& counters = t.view.state().counters();
    return std::vector<std::uint64_t>{counters.removals_scheduled, counters.removals_canceled,
                                      counters.removals_completed};
  };
  for (const char* id : {"a1", "a2", "a3"}) t.agent(id, AgentPhase::silent);
  REQUIRE(counted() == std::vector<std::uint64_t>{0, 0, 0});
  t.agent("a1", AgentPhase::unreachable);  // at once
  REQUIRE(counted() == std::vector<std::uint64_t>{1, 0, 1});
  t.agent("a2", AgentPhase::silent, true);
  t.agent("a3", AgentPhase::silent, true);
  REQUIRE(counted() == std::vector<std::uint64_t>{3, 0, 1});
  t.agent("a2");
  t.agent("a3", AgentPhase::unreachable);
  REQUIRE(counted() == std::vector<std::uint64_t>{3, 1, 2});
  // One that was unreachable before this master led was marked by another.
  t.agent("a4", AgentPhase::unreachable);
  REQUIRE(counted() == std::vector<std::uint64_t>{3, 1, 2});
}

TEST_CASE("metrics count agents by phase and tasks by state") {
  Told t;
  t.agent("a1");
  t.agent("a2", AgentPhase::silent);
  t.agent("a3", AgentPhase::unreachable);
  t.framework("f");
  t.task("f", "t1");
  t.update("f", "t1", TaskState::running);
  const auto metrics = cluster_metrics(t.view.state());
  const auto value = [&](const std::string& name) {
    for (const auto& [key, number] : metrics) {
      if (key == name) return number;
    }
    FAIL("no metric " << name);
    return 0.0;
  };
  REQUIRE(value("master/slaves_active") == 1);
  REQUIRE(value("master/slaves_disconnected") == 1);
  REQUIRE(value("master/slaves_unreachable") == 1);
  REQUIRE(value("master/tasks_running") == 1);
  REQUIRE(value("master/cpus_total") == 8);
  REQUIRE(value("master/cpus_used") == 1);
  REQUIRE(value("master/frameworks_active") == 1);
}
