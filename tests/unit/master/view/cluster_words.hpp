// A cluster told in Changes: words for the tests of the view.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "master/view/view.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::master::test {

struct Told {
  View view;
  std::uint64_t sequence = 100;

  template <typename Body>
  void say(Body body) {
    Change change;
    change.sequence = ++sequence;
    change.body = std::move(body);
    view.apply(change);
  }
  void agent(const char* id, AgentPhase phase = AgentPhase::active, bool removal_waits = false) {
    mesos::v1::AgentInfo info;
    info.set_hostname(std::string("host-") + id);
    auto facet = codec::read_agent(info, "agent");
    REQUIRE(facet.ok());
    facet->id = AgentId(id);
    facet->total = Resources::parse("cpus:8;mem:1024").value();
    change::AgentPut put;
    put.agent = std::make_shared<const AgentFacet>(facet.value());
    put.phase = phase;
    put.removal_waits = removal_waits;
    say(put);
  }
  void framework(const char* id, bool connected = true, bool recovered = false) {
    mesos::v1::FrameworkInfo info;
    info.set_user("u");
    info.set_name(std::string("name-") + id);
    info.add_roles("web");
    info.add_capabilities()->set_type(mesos::v1::FrameworkInfo::Capability::MULTI_ROLE);
    auto facet = codec::read_framework(info, "framework");
    REQUIRE(facet.ok());
    facet->id = FrameworkId(id);
    change::FrameworkPut put;
    put.framework = std::make_shared<const FrameworkFacet>(facet.value());
    put.connected = put.active = connected;
    put.recovered = recovered;
    say(put);
  }
  void task(const char* framework_id, const char* id, const char* agent_id = "a1") {
    mesos::v1::TaskInfo info;
    info.set_name(std::string("Name of ") + id);
    info.mutable_task_id()->set_value(id);
    info.mutable_agent_id()->set_value(agent_id);
    info.mutable_command()->set_value("true");
    auto* cpus = info.add_resources();
    cpus->set_name("cpus");
    cpus->set_type(mesos::v1::Value::SCALAR);
    cpus->mutable_scalar()->set_value(1);
    auto facet = codec::read_task(info, FrameworkId(framework_id), "task");
    REQUIRE(facet.ok());
    change::TaskAdded added;
    added.framework_id = FrameworkId(framework_id);
    added.task = std::make_shared<const TaskFacet>(facet.value());
    say(added);
  }
  void update(const char* framework_id, const char* id, TaskState state,
              const char* agent_id = "a1") {
    change::TaskUpdated updated;
    updated.framework_id = FrameworkId(framework_id);
    TaskStatus status;
    status.task_id = TaskId(id);
    status.agent_id = AgentId(agent_id);
    status.state = state;
    updated.status = std::move(status);
    updated.state = state;
    say(updated);
  }
  void settle(const char* framework_id, const char* id) {
    say(change::TaskRemoved{FrameworkId(framework_id), TaskId(id)});
  }
};

}  // namespace bourse::master::test
