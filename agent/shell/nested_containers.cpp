#include "agent/shell/nested_containers.hpp"

#include "agent/shell/classic_state.hpp"
#include "base/assert.hpp"
#include "proto/codec/json_object.hpp"
#include "proto/v1/agent_response.pb.h"

namespace bourse::agent {

namespace {

using codec::JsonObject;

// Calls f(session's key, whose executor, executor) for each that runs.
template <typename F>
void each_running(const AgentState& state, const Sessions& sessions, F f) {
  for (const auto& [key, session] : sessions.table()) {
    if (session.phase != SessionPhase::running) continue;
    const auto owner = state.by_container.find(key.parent);
    if (owner == state.by_container.end()) continue;  // has ended; the session is told so next
    f(key, owner->second, state.executors.at(owner->second));
  }
}

void write_id(const SessionKey& key, std::string& out) {
  JsonObject id(out);
  JsonObject parent(id.field("parent"));
  parent.text("value", key.parent.raw());
  parent.end();
  id.text("value", key.id);
  id.end();
}

}  // namespace

void add_nested(const AgentState& state, const Sessions& sessions,
                mesos::v1::agent::Response_GetContainers& out) {
  each_running(state, sessions, [&](const auto& key, const auto& owner, const auto& executor) {
    auto& made = *out.add_containers();
    made.mutable_framework_id()->set_value(owner.first.raw());
    made.mutable_executor_id()->set_value(owner.second.raw());
    made.set_executor_name(executor.facet->name);
    made.mutable_container_id()->set_value(key.id);
    made.mutable_container_id()->mutable_parent()->set_value(key.parent.raw());
    *made.mutable_container_status()->mutable_container_id() = made.container_id();
  });
}

void add_nested(const AgentState& state, const Sessions& sessions, std::string& list) {
  ASSERT(!list.empty() && list.back() == ']');
  list.pop_back();
  each_running(state, sessions, [&](const auto& key, const auto& owner, const auto& executor) {
    if (list.back() != '[') list += ',';
    JsonObject made(list);
    made.text("container_id", key.id);
    made.text("executor_id", owner.second.raw());
    made.text("executor_name", executor.facet->name);
    made.text("framework_id", owner.first.raw());
    made.text("source", source_of(executor));
    JsonObject status(made.field("status"));
    write_id(key, status.field("container_id"));
    status.end();
    made.end();
  });
  list += ']';
}

}  // namespace bourse::agent
