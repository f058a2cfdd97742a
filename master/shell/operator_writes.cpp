#include "master/shell/operator_writes.hpp"

#include "model/limits.hpp"
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

}  // namespace

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
    default:
      return Error{ErrorCode::unsupported,
                   "type: '" + Call::Type_Name(call.type()) + "' is not served by this master"};
  }
}

}  // namespace bourse::master
