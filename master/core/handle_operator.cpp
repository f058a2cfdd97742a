// What operators write. Each is answered with the sequence of the Change that made it true, or with
// the reason against it.
#include <set>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

// The framework that is meant: the named one, or the only one with that task.
Result<FrameworkSlot> framework_with_task(const MasterState& state,
                                          const operation::KillTask& call) {
  if (!call.framework_id.empty()) {
    const auto it = state.framework_of.find(call.framework_id);
    if (it != state.framework_of.end()) return it->second;
    return Error{ErrorCode::not_found,
                 "framework_id: there is no framework '" + call.framework_id.raw() + "'"};
  }
  FrameworkSlot found;
  bool several = false;
  state.frameworks.for_each([&](FrameworkSlot slot, const Framework& framework) {
    if (!framework.task_of.contains(call.task_id)) return;
    several = several || !found.empty();
    found = slot;
  });
  if (several) {
    return Error{ErrorCode::conflict, "task_id: several frameworks have a task '" +
                                          call.task_id.raw() + "'; name the framework"};
  }
  if (found.empty()) {
    return Error{ErrorCode::not_found,
                 "task_id: no framework has a task '" + call.task_id.raw() + "'"};
  }
  return found;
}

struct Operate {
  Context& c;
  const FromOperator& event;

  void operator()(const operation::TeardownFramework& call) const {
    if (const Status allowed =
            authorize(event.principal, Action::teardown_framework, call.framework_id.raw());
        !allowed.ok()) {
      c.answer(event.request, allowed);
      return;
    }
    const auto it = c.state.framework_of.find(call.framework_id);
    // One whose first subscription is being written is not there yet: nobody was told its name.
    if (it == c.state.framework_of.end() ||
        c.state.frameworks.at(it->second).phase == FrameworkPhase::admitting) {
      c.answer(event.request, Error{ErrorCode::not_found, "framework_id: there is no framework '" +
                                                              call.framework_id.raw() + "'"});
      return;
    }
    c.state.frameworks.at(it->second).removed_by_operator = true;
    begin_removal(c, it->second, event.request, "an operator asked for its teardown");
  }

  void operator()(const operation::KillTask& call) const {
    if (const Status allowed = authorize(event.principal, Action::kill_task, call.task_id.raw());
        !allowed.ok()) {
      c.answer(event.request, allowed);
      return;
    }
    const Result<FrameworkSlot> found = framework_with_task(c.state, call);
    if (!found.ok()) {
      c.answer(event.request, found.error());
      return;
    }
    const Framework& framework = c.state.frameworks.at(found.value());
    const auto row = framework.task_of.find(call.task_id);
    if (row == framework.task_of.end()) {
      c.answer(event.request,
               Error{ErrorCode::not_found, "task_id: framework '" + framework.id.raw() +
                                               "' has no task '" + call.task_id.raw() + "'"});
      return;
    }
    kill_task(c, row->second, call.grace, KillCause::asked);
    c.answer(event.request, {});
  }

  void operator()(const operation::SetWeight& call) const {
    if (const Status allowed = authorize(event.principal, Action::update_weight, call.role);
        !allowed.ok()) {
      c.answer(event.request, allowed);
      return;
    }
    if (const auto wrong = validate_role(call.role)) {
      c.answer(event.request, invalid("role: " + *wrong));
      return;
    }
    if (call.weight_milli < 1 || call.weight_milli > limits::kMaxWeightMilli) {
      c.answer(event.request, invalid("weight: must be above 0 and at most 1000000"));
      return;
    }
    persist(c, registry::SetWeight{call.role, call.weight_milli},
            pending::Weight{event.request, {{call.role, call.weight_milli}}});
  }

  void operator()(const operation::UpdateWeights& call) const {
    if (const Status good = validate(call); !good.ok()) {
      c.answer(event.request, good);
      return;
    }
    persist(c, registry::SetWeights{call.weights}, pending::Weight{event.request, call.weights});
  }
  void operator()(const operation::UpdateQuota& call) const { on_update_quota(c, event, call); }

  void operator()(const operation::DrainAgent& call) const { on_drain_agent(c, event, call); }
  void operator()(const operation::DeactivateAgent& call) const {
    on_deactivate_agent(c, event, call);
  }
  void operator()(const operation::ReactivateAgent& call) const {
    on_reactivate_agent(c, event, call);
  }
  void operator()(const operation::MarkAgentGone& call) const {
    on_mark_agent_gone(c, event, call);
  }
  void operator()(const operation::ChangeResources& call) const {
    on_change_resources(c, event, call);
  }
  void operator()(const operation::ExplainFramework& call) const { on_explain(c, event, call); }
  void operator()(const operation::UpdateSchedule& call) const {
    on_update_schedule(c, event, call);
  }
  void operator()(const operation::StartMaintenance& call) const {
    on_start_maintenance(c, event, call);
  }
  void operator()(const operation::StopMaintenance& call) const {
    on_stop_maintenance(c, event, call);
  }

  Status validate(const operation::UpdateWeights& call) const {
    const std::string field = "weight_infos";
    if (call.weights.empty()) return invalid(field + ": name at least one role");
    if (call.weights.size() > limits::kMaxRolesPerWrite) {
      return invalid(field + ": " + std::to_string(call.weights.size()) + " roles, at most " +
                     std::to_string(limits::kMaxRolesPerWrite) + " in one call");
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < call.weights.size(); ++i) {
      const auto& [role, weight_milli] = call.weights[i];
      const std::string at = field + "[" + std::to_string(i) + "].";
      if (const Status allowed = authorize(event.principal, Action::update_weight, role);
          !allowed.ok()) {
        return allowed;
      }
      if (const auto wrong = validate_role(role)) return invalid(at + "role: " + *wrong);
      if (!seen.insert(role).second) {
        return invalid(at + "role: '" + role + "' is given twice; give each role once");
      }
      if (weight_milli < 1 || weight_milli > limits::kMaxWeightMilli) {
        return invalid(at + "weight: " + milli_text(weight_milli) + " of role '" + role +
                       "' must be above 0 and at most 1000000");
      }
      if (c.state.weights_milli.size() + call.weights.size() > limits::kMaxWeights &&
          !c.state.weights_milli.contains(role)) {
        return Error{ErrorCode::full, at + "role: " + std::to_string(limits::kMaxWeights) +
                                          " roles have weights already, which is the most"};
      }
    }
    return {};
  }
};

}  // namespace

void on_operator(Context& c, const FromOperator& event) {
  if (!c.state.leading) {
    c.answer(event.request, Error{ErrorCode::unavailable, "this master does not lead yet"});
    return;
  }
  std::visit(Operate{c, event}, event.body);
}

void on_weight_stored(Context& c, const pending::Weight& weight) {
  for (const auto& [role, weight_milli] : weight.weights) {
    set_role_weight(c, role, weight_milli);
    c.publish(change::WeightSet{role, weight_milli});
  }
  touch_all_rooms(c);
  c.answer(weight.request, {});
}

}  // namespace bourse::master
