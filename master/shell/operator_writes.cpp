#include "master/shell/operator_writes.hpp"

#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/master_call.pb.h"

namespace bourse::master {

namespace {

using Call = mesos::v1::master::Call;

FromOperator from(decltype(FromOperator::body) body) {
  FromOperator operation;
  operation.body = std::move(body);
  return operation;
}

Result<AgentId> agent_of(bool there, const mesos::v1::AgentID& id, const std::string& field) {
  if (there && !id.value().empty()) return AgentId(id.value());
  return invalid(field + ".agent_id: is missing; give {\"agent_id\":{\"value\":...}}");
}

Result<FromOperator> drain_of(const Call& call) {
  const auto& drain = call.drain_agent();
  auto agent = agent_of(call.has_drain_agent(), drain.agent_id(), "drain_agent");
  if (!agent.ok()) return agent.error();
  operation::DrainAgent out{std::move(agent).value(), {}, drain.mark_gone()};
  if (drain.has_max_grace_period()) {
    const auto& grace = drain.max_grace_period();
    const double seconds = static_cast<double>(grace.seconds()) + 1e-9 * grace.nanos();
    auto read = codec::duration_from_seconds(seconds, limits::kMaxKillGrace,
                                             "drain_agent.max_grace_period");
    if (!read.ok()) return read.error();
    out.max_grace = read.value();
  }
  return from(std::move(out));
}

Result<FromOperator> change_of(const Call& call, bool there, const mesos::v1::AgentID& id,
                               const char* field) {
  auto agent = agent_of(there, id, field);
  if (!agent.ok()) return agent.error();
  auto change = codec::read_operator_operation(call);
  if (!change.ok()) return change.error();
  return from(operation::ChangeResources{std::move(agent).value(), std::move(change).value()});
}

using Scalars = google::protobuf::Map<std::string, mesos::v1::Value::Scalar>;

Status read_amounts(const Scalars& in, const codec::FieldPath& at, Quantities& out) {
  for (const auto& [name, scalar] : in) {
    const codec::FieldPath its = at.at(name);
    const auto milli = codec::milli_from_double(scalar.value(), its);
    if (!milli.ok()) return milli.error();
    out[name] = milli.value();
  }
  return {};
}

Result<FromOperator> update_quota_of(const Call& call) {
  const auto& update = call.update_quota();
  operation::UpdateQuota out;
  out.force = update.force();
  const codec::FieldPath root("update_quota");
  for (int i = 0; i < update.quota_configs_size(); ++i) {
    const auto& config = update.quota_configs(i);
    const codec::FieldPath at = root.at("quota_configs", i);
    const codec::FieldPath guarantees = at.at("guarantees");
    const codec::FieldPath limits = at.at("limits");
    RoleQuota& one = out.quotas.emplace_back();
    one.role = config.role();
    if (Status ok = read_amounts(config.guarantees(), guarantees, one.quota.guarantees); !ok.ok()) {
      return ok.error();
    }
    if (Status ok = read_amounts(config.limits(), limits, one.quota.limits); !ok.ok()) {
      return ok.error();
    }
  }
  return from(std::move(out));
}

// The older form: a guarantee is the limit too, and a role that has one is not given another.
Result<FromOperator> set_quota_of(const Call& call) {
  const auto& request = call.set_quota().quota_request();
  operation::UpdateQuota out;
  out.how = operation::UpdateQuota::How::set_new;
  out.force = request.force();
  RoleQuota& one = out.quotas.emplace_back();
  one.role = request.role();
  const std::string field = "set_quota.quota_request.guarantee";
  for (const auto& resource : request.guarantee()) {
    if (resource.type() != mesos::v1::Value::SCALAR) {
      return invalid(field + ": '" + resource.name() +
                     "' is no scalar; give scalars, as cpus or mem");
    }
    if (resource.has_reservation() || resource.reservations_size() > 0 ||
        resource.has_revocable() || resource.has_disk()) {
      return invalid(field + ": '" + resource.name() +
                     "' is reserved, revocable or a disk; give plain amounts");
    }
    const codec::FieldPath root("set_quota");
    const codec::FieldPath at = root.at(resource.name());
    const auto milli = codec::milli_from_double(resource.scalar().value(), at);
    if (!milli.ok()) return milli.error();
    if (!one.quota.guarantees.emplace(resource.name(), milli.value()).second) {
      return invalid(field + ": '" + resource.name() + "' is given twice; give each name once");
    }
  }
  if (one.quota.guarantees.empty()) {
    return invalid(field + ": is empty; give at least one amount, or REMOVE_QUOTA");
  }
  one.quota.limits = one.quota.guarantees;
  return from(std::move(out));
}

Result<FromOperator> remove_quota_of(const Call& call) {
  operation::UpdateQuota out;
  out.how = operation::UpdateQuota::How::remove;
  out.quotas.push_back({call.remove_quota().role(), {}});
  return from(std::move(out));
}

Result<FromOperator> update_weights_of(const Call& call) {
  operation::UpdateWeights out;
  const codec::FieldPath root("update_weights");
  for (int i = 0; i < call.update_weights().weight_infos_size(); ++i) {
    const auto& info = call.update_weights().weight_infos(i);
    const codec::FieldPath its = root.at("weight_infos", i);
    const codec::FieldPath at = its.at("weight");
    const auto milli = codec::milli_from_double(info.weight(), at);
    if (!milli.ok()) return milli.error();
    out.weights.push_back({info.role(), milli.value()});
  }
  return from(std::move(out));
}

MachineId machine_of(const mesos::v1::MachineID& id) {
  return {id.hostname(), id.ip()};
}

Result<FromOperator> update_schedule_of(const Call& call) {
  operation::UpdateSchedule out;
  const codec::FieldPath root("schedule");
  const auto& schedule = call.update_maintenance_schedule().schedule();
  for (int i = 0; i < schedule.windows_size(); ++i) {
    const auto& window = schedule.windows(i);
    MaintenanceWindow& made = out.windows.emplace_back();
    for (const auto& id : window.machine_ids()) made.machines.push_back(machine_of(id));
    const codec::FieldPath its = root.at("windows", i);
    const codec::FieldPath at = its.at("unavailability");
    auto planned = codec::read_unavailability(window.unavailability(), at);
    if (!planned.ok()) return planned.error();
    made.unavailability = planned.value();
  }
  return from(std::move(out));
}

template <typename Operation, typename Message>
FromOperator machines_of(const Message& message) {
  Operation out;
  for (const auto& id : message.machines()) out.machines.push_back(machine_of(id));
  return from(std::move(out));
}

}  // namespace

int status_of_write(const Call& call) {
  switch (call.type()) {
    case Call::UPDATE_QUOTA:
    case Call::SET_QUOTA:
    case Call::REMOVE_QUOTA:
    case Call::UPDATE_WEIGHTS:
    case Call::TEARDOWN:
    case Call::DRAIN_AGENT:
    case Call::DEACTIVATE_AGENT:
    case Call::REACTIVATE_AGENT:
    case Call::MARK_AGENT_GONE:
    case Call::UPDATE_MAINTENANCE_SCHEDULE:
    case Call::START_MAINTENANCE:
    case Call::STOP_MAINTENANCE:
      return 200;
    default:
      return 202;
  }
}

int status_of_unknown(const Call& call) {
  return call.type() == Call::TEARDOWN ? 400 : 404;
}

Result<FromOperator> operation_of(const Call& call) {
  switch (call.type()) {
    case Call::TEARDOWN:
      return from(
          operation::TeardownFramework{FrameworkId(call.teardown().framework_id().value())});
    case Call::DRAIN_AGENT:
      return drain_of(call);
    case Call::DEACTIVATE_AGENT: {
      auto agent = agent_of(call.has_deactivate_agent(), call.deactivate_agent().agent_id(),
                            "deactivate_agent");
      if (!agent.ok()) return agent.error();
      return from(operation::DeactivateAgent{std::move(agent).value()});
    }
    case Call::REACTIVATE_AGENT: {
      auto agent = agent_of(call.has_reactivate_agent(), call.reactivate_agent().agent_id(),
                            "reactivate_agent");
      if (!agent.ok()) return agent.error();
      return from(operation::ReactivateAgent{std::move(agent).value()});
    }
    case Call::MARK_AGENT_GONE: {
      auto agent = agent_of(call.has_mark_agent_gone(), call.mark_agent_gone().agent_id(),
                            "mark_agent_gone");
      if (!agent.ok()) return agent.error();
      return from(operation::MarkAgentGone{std::move(agent).value()});
    }
    case Call::RESERVE_RESOURCES:
      return change_of(call, call.has_reserve_resources(), call.reserve_resources().agent_id(),
                       "reserve_resources");
    case Call::UNRESERVE_RESOURCES:
      return change_of(call, call.has_unreserve_resources(), call.unreserve_resources().agent_id(),
                       "unreserve_resources");
    case Call::CREATE_VOLUMES:
      return change_of(call, call.has_create_volumes(), call.create_volumes().agent_id(),
                       "create_volumes");
    case Call::DESTROY_VOLUMES:
      return change_of(call, call.has_destroy_volumes(), call.destroy_volumes().agent_id(),
                       "destroy_volumes");
    case Call::GROW_VOLUME:
      return change_of(call, call.has_grow_volume(), call.grow_volume().agent_id(), "grow_volume");
    case Call::SHRINK_VOLUME:
      return change_of(call, call.has_shrink_volume(), call.shrink_volume().agent_id(),
                       "shrink_volume");
    case Call::UPDATE_QUOTA:
      return update_quota_of(call);
    case Call::SET_QUOTA:
      return set_quota_of(call);
    case Call::REMOVE_QUOTA:
      return remove_quota_of(call);
    case Call::UPDATE_WEIGHTS:
      return update_weights_of(call);
    case Call::UPDATE_MAINTENANCE_SCHEDULE:
      if (!call.has_update_maintenance_schedule()) {
        return invalid(
            "update_maintenance_schedule: is missing; give {\"schedule\":{\"windows\":[...]}}");
      }
      return update_schedule_of(call);
    case Call::START_MAINTENANCE:
      return machines_of<operation::StartMaintenance>(call.start_maintenance());
    case Call::STOP_MAINTENANCE:
      return machines_of<operation::StopMaintenance>(call.stop_maintenance());
    default:
      return Error{ErrorCode::unsupported,
                   "type: '" + Call::Type_Name(call.type()) + "' is not served by this master"};
  }
}

Result<std::string> call_of_route(const std::string& route, const std::string& body) {
  Call call;
  Status parsed;
  if (route == "maintenance/schedule") {
    call.set_type(Call::UPDATE_MAINTENANCE_SCHEDULE);
    parsed =
        codec::from_json(body, *call.mutable_update_maintenance_schedule()->mutable_schedule());
  } else {
    // A list of machines, as the member of the newer call.
    const std::string machines = "{\"machines\":" + body + "}";
    const bool down = route == "machine/down";
    call.set_type(down ? Call::START_MAINTENANCE : Call::STOP_MAINTENANCE);
    parsed = down ? codec::from_json(machines, *call.mutable_start_maintenance())
                  : codec::from_json(machines, *call.mutable_stop_maintenance());
  }
  if (!parsed.ok()) return parsed.error();
  return codec::to_json(call);
}

}  // namespace bourse::master
