// What an agent says of its state and counts, from a core's state alone.
#include "agent/shell/classic_state.hpp"

#include <catch2/catch.hpp>

#include "agent/shell/agent_metrics.hpp"

using namespace bourse;
using namespace bourse::agent;

namespace {

const FrameworkId kFramework("f");

AgentState with_executor(const char* own, const char* tasks) {
  AgentState state;
  AgentFacet agent;
  agent.id = AgentId("a");
  agent.http = {"host", "10.0.0.1", 5051};
  state.identity = std::make_shared<const AgentFacet>(std::move(agent));
  state.total = Resources::parse("cpus:4;mem:1024;cpus(web):2").value();
  FrameworkFacet framework;
  framework.id = kFramework;
  framework.roles = {"web"};
  state.frameworks[kFramework].facet = std::make_shared<const FrameworkFacet>(framework);
  ExecutorFacet facet;
  facet.id = ExecutorId("own");
  facet.resources = Resources::parse(own).value();
  Executor& executor = state.executors[{kFramework, ExecutorId("own")}];
  executor.facet = std::make_shared<const ExecutorFacet>(std::move(facet));
  executor.phase = ExecutorPhase::running;
  executor.tasks = {TaskId("t1"), TaskId("t2"), TaskId("t3")};
  for (const TaskId& id : executor.tasks) {
    TaskFacet task;
    task.id = id;
    task.agent_id = AgentId("a");
    task.resources = Resources::parse(tasks).value();
    state.tasks[{kFramework, id}].facet = std::make_shared<const TaskFacet>(std::move(task));
  }
  state.tasks[{kFramework, TaskId("t1")}].phase = TaskPhase::delivered;
  state.tasks[{kFramework, TaskId("t1")}].state = TaskState::running;
  state.tasks[{kFramework, TaskId("t3")}].phase = TaskPhase::ended;
  return state;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

double at(const std::vector<std::pair<std::string, double>>& metrics, const std::string& name) {
  for (const auto& [known, value] : metrics) {
    if (known == name) return value;
  }
  FAIL("no metric " + name);
  return 0;
}

}  // namespace

TEST_CASE("an agent's tasks wait, run or have ended, and what has ended holds nothing") {
  const AgentState state = with_executor("cpus:0.5;cpus(web):1", "cpus:0.25;mem:32");
  const AgentOptions options;
  const std::string text = classic_state(state, {options, WallTime{}, "m1"});
  CHECK(has(text, "\"tasks\":[{\"id\":\"t1\""));
  CHECK(has(text, "\"queued_tasks\":[{\"id\":\"t2\""));
  CHECK(has(text, "\"completed_tasks\":[{\"id\":\"t3\""));
  CHECK(has(text, "\"executor_id\":\"own\""));
  CHECK(has(text, "\"master_hostname\":\"m1\""));
  CHECK(has(text,
            "\"reserved_resources_allocated\":{\"web\":{\"cpus\":1.0,\"disk\":0.0,\"gpus\":0.0,"
            "\"mem\":0.0}},\"unreserved_resources_allocated\":{\"cpus\":1.0,\"disk\":0.0,"
            "\"gpus\":0.0,\"mem\":64.0}"));
}

TEST_CASE("an agent counts what is held of what it has, and each end once it is stored") {
  AgentState state = with_executor("cpus:0.5", "cpus:0.25;mem:32");
  state.counts = {7, 3, 2, 1};
  checkpoint::UpdateStored over;
  over.status.state = TaskState::failed;
  checkpoint::UpdateStored begun;
  begun.status.state = TaskState::running;
  checkpoint::UpdateStored killed;
  killed.status.state = TaskState::killed;
  checkpoint::UpdateStored drained;
  drained.status.state = TaskState::gone_by_operator;
  const auto ended = ended_in({over, begun, over, killed, drained, checkpoint::LifeBegun{}});
  const auto metrics = agent_metrics(state, ended, Duration::milliseconds(1'500));
  CHECK(at(metrics, "slave/cpus_total") == 6.0);
  CHECK(at(metrics, "slave/cpus_used") == 1.0);
  CHECK(at(metrics, "slave/tasks_failed") == 2.0);
  CHECK(at(metrics, "slave/tasks_killed") == 2.0);  // for a drain too, which ends in gone
  CHECK(at(metrics, "slave/tasks_running") == 1.0);
  CHECK(at(metrics, "slave/executors_running") == 1.0);
  CHECK(at(metrics, "slave/uptime_secs") == 1.5);
  CHECK(at(metrics, "slave/valid_status_updates") == 7.0);
  CHECK(at(metrics, "slave/invalid_status_updates") == 3.0);
  CHECK(at(metrics, "slave/container_launch_errors") == 2.0);
  CHECK(at(metrics, "slave/executors_preempted") == 1.0);
}
