#include "master/record/event_form.hpp"

#include <optional>
#include <type_traits>

#include "master/record/bytes.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/operation_orders.hpp"
#include "proto/codec/records.hpp"

namespace bourse::master {

namespace {

using OperatorBody = decltype(FromOperator::body);

// What is appended as a frame stands behind its length, as any text does.
template <typename Append>
Status append_message(Append append, std::string& out) {
  if (append(out) > 0) return {};
  return Error{ErrorCode::too_large, "an event carries a message over the limit of a frame"};
}

struct OperationWriter {
  ByteWriter& to;

  void operator()(const operation::TeardownFramework& in) { to.text(in.framework_id.raw()); }
  void operator()(const operation::KillTask& in) {
    to.text(in.framework_id.raw());
    to.text(in.task_id.raw());
    grace(in.grace);
  }
  void operator()(const operation::SetWeight& in) {
    to.text(in.role);
    to.signed_number(in.weight_milli);
  }
  void operator()(const operation::DrainAgent& in) {
    to.text(in.agent_id.raw());
    grace(in.max_grace);
    // 0 and 1 as it was before there were budgets; 2 and 3 say that what is new follows.
    const bool waits = in.force || in.max_wait;
    to.number((in.mark_gone ? 1u : 0u) + (waits ? 2u : 0u));
    if (!waits) return;
    to.flag(in.force);
    grace(in.max_wait);
  }
  void operator()(const operation::DeactivateAgent& in) { to.text(in.agent_id.raw()); }
  void operator()(const operation::ReactivateAgent& in) { to.text(in.agent_id.raw()); }
  void operator()(const operation::MarkAgentGone& in) { to.text(in.agent_id.raw()); }
  void operator()(const operation::ChangeResources& in) {
    to.text(in.agent_id.raw());
    to.text(codec::encode_operation_order({{}, {}, {}, {}, in.operation}));
  }
  void operator()(const operation::ExplainFramework& in) { to.text(in.framework_id.raw()); }
  void operator()(const operation::UpdateQuota& in) {
    to.number(static_cast<std::uint64_t>(in.how));
    to.flag(in.force);
    to.number(in.quotas.size());
    for (const RoleQuota& one : in.quotas) {
      to.text(one.role);
      amounts(one.quota.guarantees);
      amounts(one.quota.limits);
    }
  }
  void operator()(const operation::UpdateWeights& in) {
    to.number(in.weights.size());
    for (const RoleWeight& one : in.weights) {
      to.text(one.role);
      to.signed_number(one.weight_milli);
    }
  }

  void operator()(const operation::UpdateSchedule& in) {
    to.number(in.windows.size());
    for (const MaintenanceWindow& window : in.windows) {
      machines(window.machines);
      to.signed_number(window.unavailability.start.ns);
      grace(window.unavailability.duration);
    }
  }
  void operator()(const operation::StartMaintenance& in) { machines(in.machines); }
  void operator()(const operation::StopMaintenance& in) { machines(in.machines); }

  void machines(const std::vector<MachineId>& in) {
    to.number(in.size());
    for (const MachineId& id : in) {
      to.text(id.hostname);
      to.text(id.ip);
    }
  }

  void amounts(const Quantities& in) {
    to.number(in.size());
    for (const auto& [name, milli] : in) {
      to.text(name);
      to.signed_number(milli);
    }
  }

  void grace(const std::optional<Duration>& in) {
    to.flag(in.has_value());
    if (in) to.signed_number(in->ns);
  }
};

// One overload per alternative: an event without a form does not compile.
struct Writer {
  std::string& out;
  ByteWriter to{out};

  Status operator()(const FromAgent& in) {
    to.number(in.peer.raw());
    to.text(in.principal.name);
    return append_message(
        [&](std::string& batch) { return codec::append_agent_to_master(in.message, batch); }, out);
  }
  Status operator()(const FromFramework& in) {
    to.number(in.stream.raw());
    to.text(in.principal.name);
    to.number(in.request.raw());
    return append_message(
        [&](std::string& batch) { return codec::append_framework_to_master(in.message, batch); },
        out);
  }
  Status operator()(const PeerGone& in) {
    to.number(in.peer.raw());
    return {};
  }
  Status operator()(const Stored& in) {
    to.number(in.id.raw());
    return {};
  }
  Status operator()(const Rejected& in) {
    to.number(in.id.raw());
    to.text(in.reason);
    return {};
  }
  Status operator()(const FromOperator& in) {
    to.number(in.request.raw());
    to.text(in.principal.name);
    to.number(in.body.index() + 1);
    std::visit(OperationWriter{to}, in.body);
    return {};
  }
  Status operator()(const Tick&) { return {}; }
  Status operator()(const Lead& in) {
    const std::vector<RegistryCommand> commands = snapshot(in.registry);
    to.number(commands.size());
    for (const RegistryCommand& command : commands) {
      to.text(codec::encode_registry_command(command));
    }
    return {};
  }
};

std::optional<Duration> read_grace(ByteReader& from) {
  if (!from.flag()) return std::nullopt;
  return Duration{from.signed_number()};
}

std::string read_text(ByteReader& from) {
  return std::string(from.text());
}

Quantities read_amounts(ByteReader& from) {
  Quantities out;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    std::string name = read_text(from);
    out[std::move(name)] = from.signed_number();
  }
  return out;
}

operation::UpdateQuota read_update_quota(ByteReader& from) {
  using How = operation::UpdateQuota::How;
  operation::UpdateQuota out;
  const std::uint64_t how = from.number();
  if (how < 1 || how > static_cast<std::uint64_t>(How::remove)) from.fail();
  out.how = static_cast<How>(how);
  out.force = from.flag();
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    RoleQuota& one = out.quotas.emplace_back();
    one.role = read_text(from);
    one.quota.guarantees = read_amounts(from);
    one.quota.limits = read_amounts(from);
  }
  return out;
}

operation::UpdateWeights read_update_weights(ByteReader& from) {
  operation::UpdateWeights out;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    RoleWeight& one = out.weights.emplace_back();
    one.role = read_text(from);
    one.weight_milli = from.signed_number();
  }
  return out;
}

std::vector<MachineId> read_machines(ByteReader& from) {
  std::vector<MachineId> out;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    MachineId& id = out.emplace_back();
    id.hostname = read_text(from);
    id.ip = read_text(from);
  }
  return out;
}

operation::UpdateSchedule read_update_schedule(ByteReader& from) {
  operation::UpdateSchedule out;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    MaintenanceWindow& window = out.windows.emplace_back();
    window.machines = read_machines(from);
    window.unavailability.start.ns = from.signed_number();
    window.unavailability.duration = read_grace(from);
  }
  return out;
}

operation::DrainAgent read_drain(ByteReader& from) {
  operation::DrainAgent out;
  out.agent_id = AgentId(read_text(from));
  out.max_grace = read_grace(from);
  const std::uint64_t form = from.number();
  if (form > 3) from.fail();
  out.mark_gone = form % 2 == 1;
  if (form < 2) return out;
  out.force = from.flag();
  out.max_wait = read_grace(from);
  return out;
}

OperatorBody read_operation(ByteReader& from) {
  static_assert(std::variant_size_v<OperatorBody> == 14, "give the new operation its number here");
  switch (from.number()) {
    case 1:
      return operation::TeardownFramework{FrameworkId(read_text(from))};
    case 2: {
      operation::KillTask out;
      out.framework_id = FrameworkId(read_text(from));
      out.task_id = TaskId(read_text(from));
      out.grace = read_grace(from);
      return out;
    }
    case 3: {
      operation::SetWeight out;
      out.role = read_text(from);
      out.weight_milli = from.signed_number();
      return out;
    }
    case 4:
      return read_drain(from);
    case 5:
      return operation::DeactivateAgent{AgentId(read_text(from))};
    case 6:
      return operation::ReactivateAgent{AgentId(read_text(from))};
    case 7:
      return operation::MarkAgentGone{AgentId(read_text(from))};
    case 8: {
      operation::ChangeResources out;
      out.agent_id = AgentId(read_text(from));
      auto order = codec::decode_operation_order(from.text());
      if (!order.ok()) {
        from.fail();
      } else {
        out.operation = std::move(order->operation);
      }
      return out;
    }
    case 9:
      return operation::ExplainFramework{FrameworkId(read_text(from))};
    case 10:
      return read_update_quota(from);
    case 11:
      return read_update_weights(from);
    case 12:
      return read_update_schedule(from);
    case 13:
      return operation::StartMaintenance{read_machines(from)};
    case 14:
      return operation::StopMaintenance{read_machines(from)};
    default:
      from.fail();
      return operation::TeardownFramework{};
  }
}

Result<decltype(Event::body)> read_lead(ByteReader& from) {
  Lead out;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    const auto command = codec::decode_registry_command(from.text());
    if (!command.ok()) return command.error();
    if (const Status applied = apply(out.registry, *command); !applied.ok()) {
      return applied.error();
    }
  }
  return decltype(Event::body)(std::move(out));
}

Result<decltype(Event::body)> read_from_agent(ByteReader& from) {
  FromAgent out;
  out.peer = PeerId(from.number());
  out.principal.name = read_text(from);
  auto message = codec::decode_agent_to_master(from.text());
  if (!message.ok()) return message.error();
  out.message = std::move(*message);
  return decltype(Event::body)(std::move(out));
}

Result<decltype(Event::body)> read_from_framework(ByteReader& from) {
  FromFramework out;
  out.stream = PeerId(from.number());
  out.principal.name = read_text(from);
  out.request = RequestId(from.number());
  auto message = codec::decode_framework_to_master(from.text());
  if (!message.ok()) return message.error();
  out.message = std::move(*message);
  return decltype(Event::body)(std::move(out));
}

Result<decltype(Event::body)> read_body(std::uint64_t kind, ByteReader& from) {
  using Body = decltype(Event::body);
  static_assert(std::variant_size_v<Body> == 8, "give the new event its number here");
  switch (kind) {
    case 1:
      return read_from_agent(from);
    case 2:
      return read_from_framework(from);
    case 3:
      return Body(PeerGone{PeerId(from.number())});
    case 4:
      return Body(Stored{PersistId(from.number())});
    case 5: {
      Rejected out;
      out.id = PersistId(from.number());
      out.reason = read_text(from);
      return Body(std::move(out));
    }
    case 6: {
      FromOperator out;
      out.request = RequestId(from.number());
      out.principal.name = read_text(from);
      out.body = read_operation(from);
      return Body(std::move(out));
    }
    case 7:
      return Body(Tick{});
    case 8:
      return read_lead(from);
    default:
      return Error{ErrorCode::unsupported,
                   "an event of kind " + std::to_string(kind) + ": this build does not know it"};
  }
}

}  // namespace

Status encode_event(const Event& event, std::string& out) {
  ByteWriter to(out);
  to.signed_number(event.stamp.now.ns);
  to.signed_number(event.stamp.wall.ns);
  to.number(event.body.index() + 1);
  return std::visit(Writer{out}, event.body);
}

Result<Event> decode_event(std::string_view bytes) {
  ByteReader from(bytes);
  Event out;
  out.stamp.now.ns = from.signed_number();
  out.stamp.wall.ns = from.signed_number();
  const std::uint64_t kind = from.number();
  if (!from.ok()) return Error{ErrorCode::corrupt, "an event that is cut off"};
  auto body = read_body(kind, from);
  if (!body.ok()) return Error{ErrorCode::corrupt, "an event: " + body.error().message};
  if (!from.done()) return Error{ErrorCode::corrupt, "an event that does not parse"};
  out.body = std::move(*body);
  return out;
}

}  // namespace bourse::master
