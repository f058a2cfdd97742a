#include "master/core/master_core.hpp"

#include <algorithm>

#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

void fire(Context& c, const DeadlineKey& key) {
  using Kind = DeadlineKey::Kind;
  const AgentSlot agent{key.index, key.generation};
  const FrameworkSlot framework{key.index, key.generation};
  switch (key.kind) {
    case Kind::agent_silence:
      if (c.state.agents.find(agent)) on_agent_silence_due(c, agent);
      return;
    case Kind::agent_gone:
      if (c.state.agents.find(agent)) on_agent_gone_due(c, agent);
      return;
    case Kind::agent_removal:
      on_removal_turn(c);
      return;
    case Kind::agent_clearing:
      if (c.state.agents.find(agent)) clear_mark(c, agent);
      return;
    case Kind::agent_heartbeat:
      if (c.state.agents.find(agent)) send_agent_heartbeat(c, agent);
      return;
    case Kind::agent_filters:
      if (c.state.agents.find(agent)) on_filters_due(c, agent);
      return;
    case Kind::agent_settling:
      if (c.state.agents.find(agent)) touch_agent(c, agent);
      return;
    case Kind::agent_asking:
      if (c.state.agents.find(agent)) touch_agent(c, agent);
      return;
    case Kind::agent_waited:
      if (c.state.agents.find(agent)) go_on_draining(c, agent);
      return;
    case Kind::agents_departed:
      on_departed_due(c);
      return;
    case Kind::framework_away:
      if (c.state.frameworks.find(framework)) on_framework_away_due(c, framework);
      return;
    case Kind::framework_silence:
      if (c.state.frameworks.find(framework)) on_framework_silence_due(c, framework);
      return;
    case Kind::framework_removal:
      if (c.state.frameworks.find(framework)) begin_removal(c, framework, {}, "failover_timeout");
      return;
    case Kind::framework_heartbeat:
      if (Framework* row = c.state.frameworks.find(framework); row && row->connected()) {
        send_framework_heartbeat(c, *row);
        c.arm(Kind::framework_heartbeat, framework, c.stamp.now + heartbeat_interval(c, row->http));
      }
      return;
  }
}

void fire_due(Context& c) {
  while (const auto key = c.state.deadlines.pop_due(c.stamp.now)) fire(c, *key);
  expire_offers(c);
  if (c.state.allocation.idle_due <= c.stamp.now) on_idle_due(c);
  if (c.state.allocation.round_due <= c.stamp.now) run_round(c);
}

struct Dispatch {
  Context& c;

  void operator()(const FromAgent& event) const { on_agent_message(c, event); }
  void operator()(const FromFramework& event) const { on_framework_message(c, event); }
  void operator()(const PeerGone& event) const { on_peer_gone(c, event.peer); }
  void operator()(const Stored& event) const { on_stored(c, event.id); }
  void operator()(const Rejected& event) const { on_rejected(c, event.id, event.reason); }
  void operator()(const FromOperator& event) const { on_operator(c, event); }
  void operator()(const Tick&) const { fire_due(c); }
  void operator()(const Lead& event) const { on_lead(c, event.registry); }
};

void check_touched(MasterState& state) {
  std::sort(state.touched_agents.begin(), state.touched_agents.end());  // in the order of rows
  for (const AgentSlot slot : state.touched_agents) {
    Agent* agent = state.agents.find(slot);
    if (agent == nullptr) continue;
    agent->touched = false;
    check_agent(state, slot);
  }
  for (const FrameworkSlot slot : state.touched_frameworks) {
    Framework* framework = state.frameworks.find(slot);
    if (framework == nullptr) continue;
    framework->touched = false;
    check_framework(state, slot);
  }
  state.touched_agents.clear();
  state.touched_frameworks.clear();
}

}  // namespace

MasterCore::MasterCore(MasterConfig config) : config_(std::move(config)) {}
MasterCore::MasterCore(MasterConfig config, MasterState state)
    : config_(std::move(config)), state_(std::move(state)) {}
MasterCore::MasterCore(const MasterCore&) = default;
MasterCore::MasterCore(MasterCore&&) noexcept = default;
MasterCore& MasterCore::operator=(const MasterCore&) = default;
MasterCore& MasterCore::operator=(MasterCore&&) noexcept = default;
MasterCore::~MasterCore() = default;

void MasterCore::step(const Event& event, Effects& effects) {
  Context context{state_, config_, memory_, event.stamp, effects};
  std::visit(Dispatch{context}, event.body);
  settle_machines(context);
  settle_budgets(context);
  settle_drains(context);
  ask_frameworks(context);
  check_touched(state_);
}

Instant MasterCore::next_deadline() const {
  Instant next =
      std::min({state_.deadlines.next(), state_.allocation.round_due, state_.allocation.idle_due});
  if (const Offer* oldest = state_.offers.find(state_.oldest_offer)) {
    next = std::min(next, oldest->expires);
  }
  return next;
}

std::uint64_t MasterCore::fingerprint() const {
  return fingerprint_of(state_);
}

void MasterCore::check_invariants() const {
  check_all(state_);
}

std::string MasterCore::explain(const FrameworkId& framework, const std::string& role,
                                const AgentId& agent) const {
  const auto f = state_.framework_of.find(framework);
  if (f == state_.framework_of.end()) return "no such framework";
  const auto a = state_.agent_of.find(agent);
  if (a == state_.agent_of.end()) return "no such agent";
  for (const Role& candidate : state_.frameworks.at(f->second).roles) {
    if (candidate.name != role || !candidate.claim.entered) continue;
    if (candidate.claim.held_back) return "declined its last offers; waits for its turn";
    const allocator::Input input = allocation_input(state_, config_, {});
    const auto reason =
        allocator::explain(input, candidate.claim.id, allocator::RoomId(a->second.index));
    return reason ? allocator::name_of(*reason) : "";
  }
  return "the framework is not in that role";
}

}  // namespace bourse::master
