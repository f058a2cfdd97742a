// Descriptions of facets that were not read from one: a command task's executor, which the agent
// makes, and what tests and simulations make up.

#include <limits>

#include "proto/codec/canonical.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/label_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

Blob describe(const AgentFacet& agent) {
  v1::AgentInfo out;
  out.set_hostname(agent.hostname);
  out.set_port(agent.http.port);
  write_resources(agent.total, {}, *out.mutable_resources());
  write_attributes(agent.attributes, *out.mutable_attributes());
  if (!agent.domain.region.empty()) {
    v1::DomainInfo::FaultDomain& domain = *out.mutable_domain()->mutable_fault_domain();
    domain.mutable_region()->set_name(agent.domain.region);
    domain.mutable_zone()->set_name(agent.domain.zone);
  }
  return canonical_blob(out);
}

Blob describe(const FrameworkFacet& framework) {
  v1::FrameworkInfo out;
  out.set_user(framework.user);
  out.set_name(framework.name);
  if (!framework.hostname.empty()) out.set_hostname(framework.hostname);
  if (!framework.principal.empty()) out.set_principal(framework.principal);
  if (!framework.webui_url.empty()) out.set_webui_url(framework.webui_url);
  out.set_failover_timeout(seconds_from_duration(framework.failover_timeout));
  out.set_checkpoint(framework.checkpoint);
  for (int bit = 1; bit < 32; ++bit) {
    if (((framework.capabilities.bits >> bit) & 1u) == 0) continue;
    if (!v1::FrameworkInfo::Capability::Type_IsValid(bit)) continue;
    out.add_capabilities()->set_type(static_cast<v1::FrameworkInfo::Capability::Type>(bit));
  }
  if (framework.capabilities.has(Capabilities::multi_role)) {
    for (const std::string& role : framework.roles) out.add_roles(role);
  } else if (!framework.roles.empty()) {
    out.set_role(framework.roles.front());
  }
  if (!framework.labels.empty()) write_labels(framework.labels, *out.mutable_labels());
  for (const auto& [role, alternatives] : framework.min_allocatable) {
    v1::OfferFilters& filters = (*out.mutable_offer_filters())[role];
    for (const Quantities& quantities : alternatives) {
      auto& made = *filters.mutable_min_allocatable_resources()->add_quantities();
      for (const auto& [name, milli] : quantities) {
        (*made.mutable_quantities())[name].set_value(double_from_milli(milli));
      }
    }
  }
  return canonical_blob(out);
}

void describe_into(const ExecutorFacet& executor, v1::ExecutorInfo& out) {
  out.mutable_executor_id()->set_value(executor.id.raw());
  if (!executor.framework_id.empty()) {
    out.mutable_framework_id()->set_value(executor.framework_id.raw());
  }
  out.set_type(static_cast<v1::ExecutorInfo::Type>(executor.type));
  if (!executor.name.empty()) out.set_name(executor.name);
  if (!executor.user.empty()) out.mutable_command()->set_user(executor.user);
  write_resources(executor.resources, {}, *out.mutable_resources());
  out.mutable_shutdown_grace_period()->set_nanoseconds(executor.shutdown_grace.ns);
}

Blob describe(const ExecutorFacet& executor) {
  v1::ExecutorInfo out;
  describe_into(executor, out);
  return canonical_blob(out);
}

Blob describe(const TaskFacet& task) {
  v1::TaskInfo out;
  out.mutable_task_id()->set_value(task.id.raw());
  out.set_name(task.name);
  out.mutable_agent_id()->set_value(task.agent_id.raw());
  write_resources(task.resources, {}, *out.mutable_resources());
  if (task.executor) {
    const Blob executor = description_of(*task.executor);
    (void)parse_bounded(executor.bytes(), *out.mutable_executor());
  }
  if (task.has_command) out.mutable_command();
  if (!task.user.empty()) out.mutable_command()->set_user(task.user);
  if (task.kill_grace) {
    out.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(task.kill_grace->ns);
  }
  if (task.max_completion) {
    out.mutable_max_completion_time()->set_nanoseconds(task.max_completion->ns);
  }
  for (const auto& [name, milli] : task.limits_milli) {
    const bool unlimited = milli == std::numeric_limits<std::int64_t>::max();
    (*out.mutable_limits())[name].set_value(unlimited ? std::numeric_limits<double>::infinity()
                                                      : double_from_milli(milli));
  }
  if (task.has_health_check) out.mutable_health_check();
  return canonical_blob(out);
}

}  // namespace

Blob description_of(const AgentFacet& agent) {
  return agent.description.empty() ? describe(agent) : agent.description;
}
Blob description_of(const FrameworkFacet& framework) {
  return framework.description.empty() ? describe(framework) : framework.description;
}
Blob description_of(const ExecutorFacet& executor) {
  return executor.description.empty() ? describe(executor) : executor.description;
}
Blob description_of(const TaskFacet& task) {
  return task.description.empty() ? describe(task) : task.description;
}

}  // namespace bourse::codec
