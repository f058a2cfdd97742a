#include "model/limits.hpp"
#include "proto/codec/description_form.hpp"
#include "proto/codec/record_form.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/registry.pb.h"

namespace bourse::codec {

namespace {

namespace message = internal::registry;

constexpr const char* kWhat = "registry record";

void write_amounts(const Quantities& in,
                   google::protobuf::RepeatedPtrField<message::Quotas::Amount>& out) {
  for (const auto& [name, milli] : in) {
    auto& amount = *out.Add();
    amount.set_name(name);
    amount.set_milli(milli);
  }
}

// One overload per kind of command.
struct Sealer {
  std::size_t kind;

  std::string operator()(const registry::SetCluster& in) const {
    message::SetCluster out;
    out.set_cluster_id(in.cluster_id);
    out.set_epoch(in.epoch);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::AdmitAgent& in) const {
    message::Agent out;
    write_agent_description(in.agent, *out.mutable_agent());
    out.set_at_ns(in.at.ns);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::UpdateAgent& in) const {
    message::Agent out;
    write_agent_description(in.agent, *out.mutable_agent());
    return seal_record(kind, out);
  }
  std::string operator()(const registry::MarkAgent& in) const {
    message::AgentMark out;
    out.set_agent_id(in.agent_id.raw());
    out.set_standing(static_cast<std::uint32_t>(in.standing));
    out.set_at_ns(in.at.ns);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::RemoveAgent& in) const {
    message::AgentMark out;
    out.set_agent_id(in.agent_id.raw());
    return seal_record(kind, out);
  }
  std::string operator()(const registry::PutFramework& in) const {
    message::Framework out;
    write_framework_description(in.framework, *out.mutable_framework());
    out.set_at_ns(in.at.ns);
    // Not written for those that are here, so that their records are what they always were.
    if (in.away != Duration{}) out.set_away_ns(in.away.ns);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::RemoveFramework& in) const {
    message::FrameworkEnd out;
    out.set_framework_id(in.framework_id.raw());
    out.set_at_ns(in.at.ns);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::SetWeight& in) const {
    message::Weight out;
    out.set_role(in.role);
    out.set_weight_milli(in.weight_milli);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::SetMaintenance& in) const {
    message::Maintenance out;
    out.set_agent_id(in.agent_id.raw());
    out.set_duty(static_cast<std::uint32_t>(in.maintenance.duty));
    if (in.maintenance.max_grace) out.set_max_grace_ns(in.maintenance.max_grace->ns);
    out.set_mark_gone(in.maintenance.mark_gone);
    out.set_since_ns(in.maintenance.since.ns);
    if (in.maintenance.force) out.set_force(true);
    if (in.maintenance.max_wait) out.set_max_wait_ns(in.maintenance.max_wait->ns);
    return seal_record(kind, out);
  }
  std::string operator()(const registry::SetQuotas& in) const {
    message::Quotas out;
    for (const RoleQuota& one : in.quotas) {
      auto& quota = *out.add_quotas();
      quota.set_role(one.role);
      write_amounts(one.quota.guarantees, *quota.mutable_guarantees());
      write_amounts(one.quota.limits, *quota.mutable_limits());
    }
    return seal_record(kind, out);
  }
  std::string operator()(const registry::SetWeights& in) const {
    message::Weights out;
    for (const RoleWeight& one : in.weights) {
      auto& weight = *out.add_weights();
      weight.set_role(one.role);
      weight.set_weight_milli(one.weight_milli);
    }
    return seal_record(kind, out);
  }
  std::string operator()(const registry::SetSchedule& in) const {
    message::Schedule out;
    for (const MaintenanceWindow& window : in.schedule.windows) {
      auto& made = *out.add_windows();
      for (const MachineId& id : window.machines) {
        auto& machine = *made.add_machines();
        machine.set_hostname(id.hostname);
        machine.set_ip(id.ip);
        if (in.schedule.down.contains(id)) machine.set_down(true);
      }
      made.set_start_ns(window.unavailability.start.ns);
      if (const auto& duration = window.unavailability.duration) {
        made.set_duration_ns(duration->ns);
      }
    }
    return seal_record(kind, out);
  }
};

Result<RegistryCommand> read_cluster(std::string_view payload) {
  message::SetCluster in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  return RegistryCommand(registry::SetCluster{in.cluster_id(), in.epoch()});
}

Result<RegistryCommand> read_agent(std::string_view payload, bool admit) {
  message::Agent in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  Result<AgentFacet> agent = read_agent_description(in.agent());
  if (!agent) return agent.error();
  if (admit) {
    return RegistryCommand(registry::AdmitAgent{std::move(*agent), WallTime{in.at_ns()}});
  }
  return RegistryCommand(registry::UpdateAgent{std::move(*agent)});
}

Result<RegistryCommand> read_mark(std::string_view payload, bool remove) {
  message::AgentMark in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (Status ok = check_id(in.agent_id(), "agent_id"); !ok) return ok.error();
  if (remove) return RegistryCommand(registry::RemoveAgent{AgentId(in.agent_id())});
  if (in.standing() < 1 || in.standing() > 3) {
    return Error{ErrorCode::corrupt,
                 "registry record with agent standing " + std::to_string(in.standing())};
  }
  return RegistryCommand(registry::MarkAgent{AgentId(in.agent_id()),
                                             static_cast<registry::AgentStanding>(in.standing()),
                                             WallTime{in.at_ns()}});
}

Result<RegistryCommand> read_framework_put(std::string_view payload) {
  message::Framework in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  Result<FrameworkFacet> framework = read_framework_description(in.framework());
  if (!framework) return framework.error();
  if (in.away_ns() < 0) {
    return Error{ErrorCode::corrupt, "registry record of a framework that is away for " +
                                         std::to_string(in.away_ns()) + " ns"};
  }
  return RegistryCommand(
      registry::PutFramework{std::move(*framework), WallTime{in.at_ns()}, Duration{in.away_ns()}});
}

Result<RegistryCommand> read_framework_end(std::string_view payload) {
  message::FrameworkEnd in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (Status ok = check_id(in.framework_id(), "framework_id"); !ok) return ok.error();
  return RegistryCommand(
      registry::RemoveFramework{FrameworkId(in.framework_id()), WallTime{in.at_ns()}});
}

Result<RegistryCommand> read_weight(std::string_view payload) {
  message::Weight in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (Status ok = check_role(in.role(), "role"); !ok) return ok.error();
  return RegistryCommand(registry::SetWeight{in.role(), in.weight_milli()});
}

Result<RegistryCommand> read_maintenance(std::string_view payload) {
  message::Maintenance in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (Status ok = check_id(in.agent_id(), "agent_id"); !ok) return ok.error();
  if (in.duty() < 1 || in.duty() > 4) {
    return Error{ErrorCode::corrupt,
                 "registry record with agent duty " + std::to_string(in.duty())};
  }
  if (in.max_grace_ns() < 0 || in.max_wait_ns() < 0) {
    return Error{ErrorCode::corrupt, "registry record with a negative max_grace or max_wait"};
  }
  Maintenance out;
  out.duty = static_cast<AgentDuty>(in.duty());
  if (in.has_max_grace_ns()) out.max_grace = Duration{in.max_grace_ns()};
  out.mark_gone = in.mark_gone();
  out.since = WallTime{in.since_ns()};
  out.force = in.force();
  if (in.has_max_wait_ns()) out.max_wait = Duration{in.max_wait_ns()};
  return RegistryCommand(registry::SetMaintenance{AgentId(in.agent_id()), out});
}

Status read_amounts(const google::protobuf::RepeatedPtrField<message::Quotas::Amount>& in,
                    Quantities& out) {
  for (const auto& amount : in) {
    if (amount.milli() < 0 || amount.milli() > limits::kMaxScalarMilli) {
      return Error{ErrorCode::corrupt,
                   "registry record with a quota of " + std::to_string(amount.milli())};
    }
    out[amount.name()] = amount.milli();
  }
  return {};
}

Result<RegistryCommand> read_quotas(std::string_view payload) {
  message::Quotas in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (in.quotas().empty()) return Error{ErrorCode::corrupt, "registry record of no quota"};
  registry::SetQuotas out;
  for (const auto& one : in.quotas()) {
    if (Status ok = check_role(one.role(), "role"); !ok) return ok.error();
    RoleQuota quota{one.role(), {}};
    if (Status ok = read_amounts(one.guarantees(), quota.quota.guarantees); !ok) return ok.error();
    if (Status ok = read_amounts(one.limits(), quota.quota.limits); !ok) return ok.error();
    out.quotas.push_back(std::move(quota));
  }
  return RegistryCommand(std::move(out));
}

Result<RegistryCommand> read_weights(std::string_view payload) {
  message::Weights in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  if (in.weights().empty()) return Error{ErrorCode::corrupt, "registry record of no weight"};
  registry::SetWeights out;
  for (const auto& one : in.weights()) {
    if (Status ok = check_role(one.role(), "role"); !ok) return ok.error();
    if (one.weight_milli() < 1 || one.weight_milli() > limits::kMaxWeightMilli) {
      return Error{ErrorCode::corrupt,
                   "registry record with a weight of " + std::to_string(one.weight_milli())};
    }
    out.weights.push_back({one.role(), one.weight_milli()});
  }
  return RegistryCommand(std::move(out));
}

Result<RegistryCommand> read_schedule(std::string_view payload) {
  message::Schedule in;
  if (Status ok = parse_known(payload, in, kWhat); !ok) return ok.error();
  registry::SetSchedule out;
  for (const auto& one : in.windows()) {
    MaintenanceWindow& window = out.schedule.windows.emplace_back();
    for (const auto& machine : one.machines()) {
      const MachineId id{machine.hostname(), machine.ip()};
      window.machines.push_back(id);
      if (machine.down()) out.schedule.down.insert(id);
    }
    if (window.machines.empty()) {
      return Error{ErrorCode::corrupt, "registry record with a window of no machine"};
    }
    window.unavailability.start = WallTime{one.start_ns()};
    if (one.has_duration_ns()) window.unavailability.duration = Duration{one.duration_ns()};
  }
  return RegistryCommand(std::move(out));
}

}  // namespace

std::string encode_registry_command(const RegistryCommand& command) {
  return std::visit(Sealer{command.index() + 1}, command);
}

Result<RegistryCommand> decode_registry_command(std::string_view record) {
  Result<RecordBody> body = open_record(record, kWhat);
  if (!body) return body.error();
  switch (body->kind) {
    case 1:
      return read_cluster(body->payload);
    case 2:
      return read_agent(body->payload, true);
    case 3:
      return read_agent(body->payload, false);
    case 4:
      return read_mark(body->payload, false);
    case 5:
      return read_mark(body->payload, true);
    case 6:
      return read_framework_put(body->payload);
    case 7:
      return read_framework_end(body->payload);
    case 8:
      return read_weight(body->payload);
    case 9:
      return read_maintenance(body->payload);
    case 10:
      return read_quotas(body->payload);
    case 11:
      return read_weights(body->payload);
    case 12:
      return read_schedule(body->payload);
    default:
      return unknown_kind(body->kind, kWhat);
  }
}

}  // namespace bourse::codec
