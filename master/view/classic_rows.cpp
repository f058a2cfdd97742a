#include "master/view/classic_rows.hpp"

#include "model/version.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/offer_constraints_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/offer_constraints.pb.h"

namespace bourse::master {

namespace {

namespace v1 = mesos::v1;
using codec::JsonList;
using codec::JsonObject;

void write_held_full(const Holdings& holdings, std::string& out) {
  JsonList list(out);
  for (const auto& [role, resources] : holdings.by_role()) {
    codec::write_full(resources, role, list);
  }
  list.end();
}

Resources total_of(const AgentRow& row) {
  Resources total = row.put.agent->total;
  total.add(row.put.oversubscribed);
  return total;
}

// Who an agent is, in every list.
void write_agent_name(const AgentFacet& agent, JsonObject& out) {
  out.text("id", agent.id.raw());
  out.text("hostname", agent.hostname);
  out.whole("port", agent.http.port);
  codec::write_flat_attributes(agent.attributes, out.field("attributes"));
  if (!agent.domain.region.empty()) codec::write_flat_domain(agent.domain, out.field("domain"));
}

void write_drain(const Maintenance& maintenance, JsonObject& out) {
  const bool done = maintenance.duty == AgentDuty::drained;
  if (!done && maintenance.duty != AgentDuty::draining) return;
  JsonObject drain(out.field("drain_info"));
  drain.text("state", v1::DrainState_Name(done ? v1::DRAINED : v1::DRAINING));
  JsonObject config(drain.field("config"));
  if (maintenance.max_grace) {
    JsonObject grace(config.field("max_grace_period"));
    grace.whole("nanoseconds", maintenance.max_grace->ns);
    grace.end();
  }
  config.boolean("mark_gone", maintenance.mark_gone);
  config.end();
  drain.end();
  out.number("estimated_drain_start_time_seconds", codec::seconds_from_wall(maintenance.since));
}

void write_capabilities(Capabilities capabilities, std::string& out) {
  using Capability = v1::FrameworkInfo::Capability;
  JsonList list(out);
  for (int number = Capability::Type_MIN; number <= Capability::Type_MAX; ++number) {
    const bool named = number > 0 && Capability::Type_IsValid(number);
    if (!named || !capabilities.has(static_cast<Capabilities::Capability>(number))) continue;
    list.text(Capability::Type_Name(static_cast<Capability::Type>(number)));
  }
  list.end();
}

void write_tasks(const std::vector<const TaskRow*>& rows, const char* name, ClassicText& text,
                 JsonObject& out) {
  JsonList list(out.field(name));
  for (const TaskRow* row : rows) {
    if (text.full()) break;
    write_classic_task(*row, list.entry());
  }
  list.end();
}

void write_offers(const ViewState& state, const FrameworkParts& parts, ClassicText& text,
                  JsonObject& out) {
  const std::string prefix = name_prefix(state.cluster().cluster_id, state.cluster().epoch);
  JsonList list(out.field("offers"));
  for (const auto& [number, offer] : parts.offers) {
    if (text.full()) break;
    JsonObject made(list.entry());
    made.text("id", offer_id(prefix, number).raw());
    made.text("framework_id", offer->framework->id.raw());
    JsonObject allocation(made.field("allocation_info"));
    allocation.text("role", *offer->role);
    allocation.end();
    made.text("slave_id", offer->agent->id.raw());
    codec::write_flat(offer->resources, made.field("resources"));
    made.end();
  }
  list.end();
}

void write_executors(const ViewState& state, const FrameworkId& id, ClassicText& text,
                     JsonObject& out) {
  JsonList list(out.field("executors"));
  for (auto it = state.executors().lower_bound({id, {}, {}}); it != state.executors().end(); ++it) {
    const ExecutorRow& row = it->second;
    if (row.framework_id != id || text.full()) break;
    JsonObject made(list.entry());
    made.text("executor_id", row.executor->id.raw());
    codec::write_flat_executor(*row.executor, *row.role, made);
    made.text("slave_id", row.agent_id.raw());
    made.end();
  }
  list.end();
}

}  // namespace

FrameworksParts parts_of_frameworks(const ViewState& state, std::string_view only) {
  FrameworksParts out;
  const auto wanted = [&](const FrameworkId& id) { return only.empty() || id.raw() == only; };
  const auto add = [&](const TaskTable& table, auto list) {
    for (auto it = table.rbegin(); it != table.rend(); ++it) {
      const TaskRow& row = it->second;
      if (wanted(row.framework_id)) (out[row.framework_id].*list).push_back(&row);
    }
  };
  add(state.tasks(), &FrameworkParts::live);
  add(state.unreachable_tasks(), &FrameworkParts::unreachable);
  add(state.completed_tasks(), &FrameworkParts::completed);
  for (const auto& [number, offer] : state.offers()) {
    const FrameworkId& id = offer.framework->id;
    if (wanted(id)) out[id].offers.emplace_back(number, &offer);
  }
  return out;
}

void write_classic_task(const TaskRow& row, std::string& out) {
  codec::FlatTask task{row.framework_id, {}, *row.task, row.state, *row.role, {}};
  if (row.executor) task.executor_id = row.executor->id.raw();
  for (const SharedStatus& status : row.statuses) task.statuses.push_back(&*status);
  codec::write_flat_task(task, out);
}

void write_classic_agent(const AgentRow& row, JsonObject& out) {
  const AgentFacet& agent = *row.put.agent;
  write_agent_name(agent, out);
  out.text("pid", "slave(1)@" + agent.http.ip + ":" + std::to_string(agent.http.port));
  out.number("registered_time", codec::seconds_from_wall(row.put.registered_at));
  if (row.put.reregistered_at != WallTime{}) {
    out.number("reregistered_time", codec::seconds_from_wall(row.put.reregistered_at));
  }
  const Resources total = total_of(row);
  codec::write_flat(total, out.field("resources"));
  codec::write_flat(row.used.all(), out.field("used_resources"));
  codec::write_flat(row.offered.all(), out.field("offered_resources"));
  codec::write_flat_reservations(total, out);
  out.boolean("active", row.put.phase == AgentPhase::active);
  out.boolean("deactivated", row.put.maintenance.duty != AgentDuty::serving);
  out.text("version", kApiVersion);
  codec::write_agent_capabilities(out.field("capabilities"));
  write_drain(row.put.maintenance, out);
}

void write_classic_agent_full(const AgentRow& row, JsonObject& out) {
  codec::write_full_reservations(total_of(row), out);
  write_held_full(row.used, out.field("used_resources_full"));
  write_held_full(row.offered, out.field("offered_resources_full"));
}

void write_classic_recovered_agent(const AgentRow& row, std::string& out) {
  JsonObject agent(out);
  write_agent_name(*row.put.agent, agent);
  agent.end();
}

void write_classic_framework(const FrameworkRow& row, JsonObject& out) {
  const FrameworkFacet& framework = *row.put.framework;
  out.text("id", framework.id.raw());
  out.text("name", framework.name);
  codec::write_flat(row.used.all(), out.field("used_resources"));
  codec::write_flat(row.offered.all(), out.field("offered_resources"));
  write_capabilities(framework.capabilities, out.field("capabilities"));
  out.text("hostname", framework.hostname);
  out.text("webui_url", framework.webui_url);
  out.boolean("active", row.put.active);
  out.boolean("connected", row.put.connected);
  out.boolean("recovered", row.put.recovered);
}

void write_classic_framework_parts(const ViewState& state, const FrameworkRow& row,
                                   const FrameworkParts& parts, ClassicText& text,
                                   JsonObject& out) {
  const FrameworkFacet& framework = *row.put.framework;
  out.text("user", framework.user);
  out.number("failover_timeout", codec::seconds_from_duration(framework.failover_timeout));
  out.boolean("checkpoint", framework.checkpoint);
  out.number("registered_time", codec::seconds_from_wall(row.put.registered_at));
  out.number("unregistered_time", codec::seconds_from_wall(row.unregistered_at));
  if (!framework.principal.empty()) out.text("principal", framework.principal);
  Resources handed_out = row.used.all();
  handed_out.add(row.offered.all());
  codec::write_flat(handed_out, out.field("resources"));
  if (row.put.reregistered_at != WallTime{}) {
    out.number("reregistered_time", codec::seconds_from_wall(row.put.reregistered_at));
  }
  if (framework.capabilities.has(Capabilities::multi_role)) {
    JsonList roles(out.field("roles"));
    for (const std::string& role : framework.roles) roles.text(role);
    roles.end();
  } else {
    out.text("role", framework.roles.empty() ? "*" : framework.roles.front());
  }
  write_tasks(parts.live, "tasks", text, out);
  write_tasks(parts.unreachable, "unreachable_tasks", text, out);
  write_tasks(parts.completed, "completed_tasks", text, out);
  write_offers(state, parts, text, out);
  write_executors(state, framework.id, text, out);
  if (!framework.labels.empty()) codec::write_flat_labels(framework.labels, out.field("labels"));
  v1::scheduler::OfferConstraints constraints;
  if (row.put.offer_constraints) {
    codec::write_offer_constraints(*row.put.offer_constraints, constraints);
  }
  codec::write_json(constraints, out.field("offer_constraints"));
}

}  // namespace bourse::master
