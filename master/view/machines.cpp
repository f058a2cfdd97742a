// What is planned with machines, and what frameworks said to it.
#include "master/view/answers.hpp"
#include "master/view/rows.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"

namespace bourse::master {

namespace {

using v1::master::Response;
using Answered = mesos::v1::allocator::InverseOfferStatus;

void write_machine(const MachineId& id, v1::MachineID& out) {
  if (!id.hostname.empty()) out.set_hostname(id.hostname);
  if (!id.ip.empty()) out.set_ip(id.ip);
}

void write_schedule(const MaintenanceSchedule& schedule, v1::maintenance::Schedule& out) {
  for (const MaintenanceWindow& window : schedule.windows) {
    auto& made = *out.add_windows();
    for (const MachineId& id : window.machines) write_machine(id, *made.add_machine_ids());
    codec::write_unavailability(window.unavailability, *made.mutable_unavailability());
  }
}

// What the frameworks on its agents said, or that they were asked.
void write_answers(const ViewState& state, const MachineId& id,
                   v1::maintenance::ClusterStatus::DrainingMachine& out) {
  for (const auto& [key, asked] : state.inverse_offers()) {
    const auto agent = state.agents().find(key.first);
    if (agent == state.agents().end()) continue;
    const AgentFacet& facet = *agent->second.put.agent;
    if (!covers(id, lower_case(facet.hostname), facet.http.ip)) continue;
    using Said = change::InverseOfferPut::Answer;
    if (asked.number == 0 && asked.answer == Said::none) continue;
    auto& status = *out.add_statuses();
    status.set_status(static_cast<Answered::Status>(asked.answer));
    status.mutable_framework_id()->set_value(key.second.raw());
    status.mutable_timestamp()->set_nanoseconds(asked.at.ns);
  }
}

void write_status(const ViewState& state, v1::maintenance::ClusterStatus& out) {
  for (const MaintenanceWindow& window : state.schedule().windows) {
    for (const MachineId& id : window.machines) {
      if (state.schedule().down.contains(id)) {
        write_machine(id, *out.add_down_machines());
        continue;
      }
      auto& machine = *out.add_draining_machines();
      write_machine(id, *machine.mutable_id());
      write_answers(state, id, machine);
    }
  }
}

}  // namespace

std::string answer_schedule(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_MAINTENANCE_SCHEDULE);
  write_schedule(state.schedule(),
                 *response.mutable_get_maintenance_schedule()->mutable_schedule());
  return body_of(response, encoding, state.sequence());
}

std::string answer_maintenance_status(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_MAINTENANCE_STATUS);
  write_status(state, *response.mutable_get_maintenance_status()->mutable_status());
  return body_of(response, encoding, state.sequence());
}

std::string plain_schedule(const ViewState& state) {
  v1::maintenance::Schedule out;
  write_schedule(state.schedule(), out);
  return codec::to_json(out);
}

std::string plain_maintenance_status(const ViewState& state) {
  v1::maintenance::ClusterStatus out;
  write_status(state, out);
  return codec::to_json(out);
}

}  // namespace bourse::master
