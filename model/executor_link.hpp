// ExecutorCall and ExecutorEvent: an executor and its agent (mesos.v1.executor.Call and Event),
// over the agent's unix socket or HTTP. Values.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/task_status.hpp"

namespace bourse {

namespace executor_call {

struct Subscribe {
  std::vector<TaskFacet> unacknowledged_tasks;  // launched, no acknowledged update yet
  std::vector<TaskStatus> unacknowledged_updates;
};
struct Update {
  TaskStatus status;
};
struct Message {
  std::string data;
};
struct Heartbeat {};

}  // namespace executor_call

struct ExecutorCall {
  FrameworkId framework_id;
  ExecutorId executor_id;
  std::string token;  // from the environment; checked against the container's own
  std::variant<executor_call::Subscribe, executor_call::Update, executor_call::Message,
               executor_call::Heartbeat>
      body;
};

namespace executor_event {

struct Subscribed {
  ExecutorFacetPtr executor;
  FrameworkFacetPtr framework;  // with its id
  AgentFacetPtr agent;          // with its id
  ContainerId container_id;
  std::string role = {};  // what the executor holds is held in; empty: not known
};
struct Launch {
  TaskFacetPtr task;
  std::string role = {};  // likewise
};
struct LaunchGroup {
  std::vector<TaskFacetPtr> tasks;
  std::string role = {};  // likewise
};
struct Kill {
  TaskId task_id;
  std::optional<Duration> grace;
};
struct Acknowledged {
  TaskId task_id;
  Uuid uuid;
};
struct Message {
  std::string data;
};
struct Shutdown {};
struct Error {
  std::string message;
};
struct Heartbeat {};

}  // namespace executor_event

using ExecutorEvent =
    std::variant<executor_event::Subscribed, executor_event::Launch, executor_event::LaunchGroup,
                 executor_event::Kill, executor_event::Acknowledged, executor_event::Message,
                 executor_event::Shutdown, executor_event::Error, executor_event::Heartbeat>;

}  // namespace bourse
