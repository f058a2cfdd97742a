#include "master/view/rows.hpp"

#include "model/version.hpp"
#include "proto/codec/capabilities.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/offer_constraints_form.hpp"
#include "proto/codec/task_row.hpp"

namespace bourse::master {

namespace {

Capabilities all_that_shape_offers() {
  Capabilities out;
  out.set(Capabilities::multi_role);
  out.set(Capabilities::reservation_refinement);
  return out;
}

// Operator answers keep Mesos' older form of reservations and name the role a thing is held for.
codec::ResourceForm held_for(std::string_view role) {
  return {false, role, true};
}

void write_held(const Holdings& holdings, google::protobuf::RepeatedPtrField<v1::Resource>& out) {
  for (const auto& [role, resources] : holdings.by_role()) {
    codec::write_resources(resources, held_for(role), out);
  }
}

}  // namespace

void write_task_row(const TaskRow& row, v1::Task& out) {
  codec::TaskRowParts parts{*row.task, row.framework_id, nullptr, *row.role, row.state, {}};
  if (row.executor) parts.executor_id = &row.executor->id;
  for (const SharedStatus& status : row.statuses) parts.statuses.push_back(&*status);
  codec::write_task_row(parts, out);
}

void write_agent_row(const AgentRow& row, v1::master::Response::GetAgents::Agent& out) {
  const AgentFacet& agent = *row.put.agent;
  codec::write_agent(agent, *out.mutable_agent_info());
  out.set_active(row.put.phase == AgentPhase::active);
  const Maintenance& maintenance = row.put.maintenance;
  out.set_deactivated(maintenance.duty != AgentDuty::serving);
  if (maintenance.duty == AgentDuty::draining || maintenance.duty == AgentDuty::drained) {
    auto& drain = *out.mutable_drain_info();
    drain.set_state(maintenance.duty == AgentDuty::drained ? v1::DRAINED : v1::DRAINING);
    if (maintenance.max_grace) {
      drain.mutable_config()->mutable_max_grace_period()->set_nanoseconds(
          maintenance.max_grace->ns);
    }
    drain.mutable_config()->set_mark_gone(maintenance.mark_gone);
    out.mutable_estimated_drain_start_time()->set_nanoseconds(maintenance.since.ns);
  }
  out.set_version(kApiVersion);
  out.set_pid("slave(1)@" + agent.http.ip + ":" + std::to_string(agent.http.port));
  out.mutable_registered_time()->set_nanoseconds(row.put.registered_at.ns);
  if (row.put.reregistered_at != WallTime{}) {
    out.mutable_reregistered_time()->set_nanoseconds(row.put.reregistered_at.ns);
  }
  Resources total = agent.total;
  total.add(row.put.oversubscribed);
  codec::write_resources(total, held_for({}), *out.mutable_total_resources());
  write_held(row.used, *out.mutable_allocated_resources());
  write_held(row.offered, *out.mutable_offered_resources());
  for (const int type : codec::agent_capabilities()) {
    out.add_capabilities()->set_type(static_cast<v1::AgentInfo::Capability::Type>(type));
  }
}

void write_framework_row(const ViewState& state, const FrameworkRow& row, bool with_offers,
                         v1::master::Response::GetFrameworks::Framework& out) {
  const FrameworkFacet& framework = *row.put.framework;
  codec::write_framework(framework, *out.mutable_framework_info());
  out.set_active(row.put.active);
  out.set_connected(row.put.connected);
  out.set_recovered(row.put.recovered);
  out.mutable_registered_time()->set_nanoseconds(row.put.registered_at.ns);
  // Once it has registered it has also registered for the last time.
  const bool again = row.put.reregistered_at != WallTime{};
  out.mutable_reregistered_time()->set_nanoseconds(
      (again ? row.put.reregistered_at : row.put.registered_at).ns);
  if (row.unregistered_at != WallTime{}) {
    out.mutable_unregistered_time()->set_nanoseconds(row.unregistered_at.ns);
  }
  auto& constraints = *out.mutable_offer_constraints();
  if (row.put.offer_constraints) {
    codec::write_offer_constraints(*row.put.offer_constraints, constraints);
  }
  write_held(row.used, *out.mutable_allocated_resources());
  write_held(row.offered, *out.mutable_offered_resources());
  const std::string prefix = name_prefix(state.cluster().cluster_id, state.cluster().epoch);
  for (const auto& [key, asked] : state.inverse_offers()) {
    if (key.second != framework.id || asked.number == 0 || !with_offers) continue;
    const auto agent = state.agents().find(key.first);
    if (agent == state.agents().end()) continue;
    codec::write_inverse_offer({OfferId(prefix + "-I" + std::to_string(asked.number)),
                                agent->second.put.agent, agent->second.put.unavailability},
                               framework.id, *out.add_inverse_offers());
  }
  if (!with_offers || row.offered.empty()) return;
  for (const auto& [number, offer] : state.offers()) {
    if (offer.framework->id != framework.id) continue;
    const auto agent = state.agents().find(offer.agent->id);
    if (agent == state.agents().end()) continue;
    codec::write_offer({offer_id(prefix, number),
                        offer.role,
                        agent->second.put.agent,
                        offer.resources,
                        {},
                        agent->second.put.unavailability},
                       framework.id, all_that_shape_offers(), *out.add_offers());
  }
}

}  // namespace bourse::master
