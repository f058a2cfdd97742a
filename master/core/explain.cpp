// EXPLAIN_FRAMEWORK: why a framework is offered what it is, and no more. An operator's question is
// an event like what operators write; the answer is a Change, so that it is read from the view like
// all else. It is made from what the rounds count and from the allocator's own word on each agent.
#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using allocator::RefusalReason;
using Agents = Explanation::Agents;

// Why one agent is not offered. `weight` orders those of one kind: the smallest is the nearest.
struct Finding {
  std::string rule;
  std::int64_t weight = 0;
  std::vector<Explanation::Number> numbers;
  std::string change;
};

std::string seconds_text(Duration span) {
  return milli_text(std::max<std::int64_t>(0, span.ms())) + " s";
}

std::int64_t ppm_of(const MasterState& state, std::span<const allocator::Sum> charged) {
  std::int64_t most = 0;
  for (std::size_t d = 0; d < charged.size(); ++d) {
    const allocator::Sum total = state.allocation.totals[d];
    if (total == 0 || (state.allocation.share_mask >> d & 1) == 0) continue;
    const allocator::Sum ppm = charged[d] * 1'000'000 / total;
    most = std::max(most, static_cast<std::int64_t>(ppm));
  }
  return most;
}

std::string kind_of(const Agent& agent) {
  std::string out;
  for (const Resource& resource : agent.ledger.total().list()) {
    if (resource.kind != Resource::Kind::scalar || resource.meta) continue;
    out += (out.empty() ? "" : ", ") + milli_text(resource.scalar_milli) + " " + resource.name;
  }
  if (!agent.facet->domain.zone.empty()) out += ", zone=" + agent.facet->domain.zone;
  for (const Attribute& attribute : agent.facet->attributes) {
    if (attribute.kind == Attribute::Kind::text) {
      out += ", " + attribute.name + "=" + attribute.text;
    }
  }
  std::size_t end = std::min(out.size(), limits::kMaxExplainedKindBytes);
  // Never through the middle of a character.
  while (end < out.size() && end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80)
    --end;
  out.resize(end);
  return out;
}

class Explainer {
 public:
  Explainer(const Context& c, FrameworkSlot slot, const Role& role)
      : c_(c),
        allocation_(c.state.allocation),
        slot_(slot),
        framework_(c.state.frameworks.at(slot)),
        role_(role),
        claim_(allocation_.tree.at(role.claim.id)) {}

  Explanation::Role run() {
    Explanation::Role out;
    out.name = role_.name;
    out.share_ppm = ppm_of(c_.state, allocation_.tree.charged(role_.claim.id));
    out.role_share_ppm = ppm_of(c_.state, allocation_.tree.charged(allocator::NodeId(claim_.role)));
    rank(out);
    count(out);
    out.wanted = explain_wanted(c_.state, framework_, role_);
    std::tie(out.rule, out.change) = whole_role();
    if (out.rule.empty()) agents(out);
    return out;
  }

 private:
  // What keeps the role from any offer.
  std::pair<std::string, std::string> whole_role() const {
    if (!framework_.connected()) {
      return {"disconnected", "the framework must subscribe again"};
    }
    if (role_.suppressed) return {"suppressed", "the framework must REVIVE role " + role_.name};
    if (role_.claim.held_back) {
      return {"held_back",
              "it gave back its last " + std::to_string(role_.claim.declined_in_a_row) +
                  " offers whole and gets its turn by and by: launch something, or REVIVE"};
    }
    if (claim_.demanded && allocation_.demands.is_met(role_.claim.id)) {
      return {"demand", "all that it wants is on offer to it: launch on that, or REQUEST more"};
    }
    return {};
  }

  // Among those that compete with it right there: the smaller share comes first.
  void rank(Explanation::Role& out) const {
    const allocator::ShareTree& tree = allocation_.tree;
    const auto& siblings = tree.group(tree.node(tree.node(claim_.node).parent).group).children;
    out.rank = 1;
    for (const std::uint32_t node : siblings) {
      const std::uint32_t id = tree.node(node).claim;
      if (id == allocator::kNone) continue;
      if (tree.claim(id).state != allocator::ClaimState::active && node != claim_.node) continue;
      ++out.of;
      const auto weight = [&](std::uint32_t n) {
        return static_cast<std::int64_t>(tree.node(n).weight_milli);
      };
      const std::int64_t its = ppm_of(c_.state, tree.charged_row(node));
      if (its * weight(claim_.node) < out.share_ppm * weight(node)) ++out.rank;
    }
  }

  void count(Explanation::Role& out) const {
    for (std::size_t i = 0; i < allocator::kRefusalReasons; ++i) {
      const std::uint64_t by_class = allocation_.class_refusals[claim_.class_index][i];
      const std::uint64_t times = by_class - role_.claim.since[i] + role_.claim.own[i];
      const char* name = allocator::name_of(static_cast<RefusalReason>(i));
      if (times > 0) out.refused.emplace_back(name, std::to_string(times));
    }
  }

  void agents(Explanation::Role& out) {
    std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, Agents>> rows;
    std::set<std::string> kinds;
    c_.state.agents.for_each([&](AgentSlot agent_slot, const Agent& agent) {
      std::string kind = kind_of(agent);
      if (!kinds.contains(kind) && kinds.size() >= limits::kMaxExplainedKinds) kind = "others";
      kinds.insert(kind);
      Finding found = find(agent_slot, agent);
      auto& [weight, row] = rows[{kind, found.rule}];
      const bool nearest = row.count++ == 0 || found.weight < weight;
      if (!nearest) return;
      weight = found.weight;
      row.kind = kind;
      row.rule = std::move(found.rule);
      row.example = agent.id;
      row.numbers = std::move(found.numbers);
      row.change = std::move(found.change);
    });
    for (auto& [key, row] : rows) out.agents.push_back(std::move(row.second));
    std::stable_sort(out.agents.begin(), out.agents.end(),
                     [](const Agents& a, const Agents& b) { return a.count > b.count; });
    if (out.agents.size() > limits::kMaxExplainedRows) out.agents.resize(limits::kMaxExplainedRows);
  }

  // -- one agent

  Finding find(AgentSlot agent_slot, const Agent& agent) const {
    if (shown_phase(agent) != AgentPhase::active) return away(agent);
    if (!agent.ledger.offerable()) {
      return {"deficit",
              0,
              {{"missing", agent.ledger.deficit().non_revocable().to_text()}},
              "tasks on it hold more than it has: end some, or give it " +
                  agent.ledger.deficit().non_revocable().to_text()};
    }
    const Offer* other = nullptr;
    for (const OfferSlot offer_slot : agent.offers) {
      const Offer& offer = c_.state.offers.at(offer_slot);
      if (offer.framework == slot_) return {"offered", 0, {}, {}};
      other = &offer;
    }
    // The table has what was there in the last round.
    std::optional<RefusalReason> reason = RefusalReason::nothing_free;
    if (!agent.ledger.available().empty()) {
      reason = allocator::explain(allocation_input(c_.state, c_.config, {}), role_.claim.id,
                                  allocator::RoomId(agent_slot.index));
    }
    if (!reason) return next_round();
    if (*reason == RefusalReason::nothing_free && other != nullptr) return promised(*other);
    return detail(*reason, agent_slot, agent);
  }

  static Finding away(const Agent& agent) {
    const AgentPhase phase = shown_phase(agent);
    Finding out{"agent_" + std::string(name_of(phase)), 0, {}, {}};
    if (!agent.reason.empty()) out.numbers.emplace_back("reason", agent.reason);
    const std::string reactivate = "bourse agents reactivate " + agent.id.raw();
    if (phase == AgentPhase::draining) {
      out.change = reactivate + ", once it is drained";  // till then it is refused
    } else if (phase == AgentPhase::drained || phase == AgentPhase::deactivated) {
      out.change = reactivate;
    } else if (phase == AgentPhase::gone) {
      out.change = "it never comes back: start another agent there";
    } else if (agent.machine_down) {
      out.change = "bourse maintenance stop " + agent.facet->hostname;
    } else {
      out.change = "agent " + agent.id.raw() + " must register again";
    }
    return out;
  }

  static Finding next_round() {
    return {"better_claim",
            0,
            {},
            "nothing stands in the way: whoever has the smallest share is "
            "offered it in the next round"};
  }

  Finding promised(const Offer& offer) const {
    const Framework& holder = c_.state.frameworks.at(offer.framework);
    const Duration left = offer.expires - c_.stamp.now;
    return {"better_claim",
            left.ms(),
            {{"offered_to", holder.id.raw()}, {"lapses_in", seconds_text(left)}},
            "it is on the table for " + holder.facet->name +
                ", whose share was smaller; it comes "
                "back in " +
                seconds_text(left) + " at the latest"};
  }

  Finding detail(RefusalReason reason, AgentSlot agent_slot, const Agent& agent) const {
    const std::string rule = allocator::name_of(reason);
    switch (reason) {
      case RefusalReason::nothing_free:
        return {rule, 0, {{"used", agent.ledger.used().to_text()}}, "something there must end"};
      case RefusalReason::no_gpu_capability:
        return {rule, 0, {}, "subscribe with capability GPU_RESOURCES"};
      case RefusalReason::remote_region:
        return {rule,
                0,
                {{"region", agent.facet->domain.region}, {"master_region", c_.config.region}},
                "subscribe with capability REGION_AWARE"};
      case RefusalReason::reserved_for_other_role:
        return reserved(rule, agent);
      case RefusalReason::not_capable:
        return {rule,
                0,
                {{"free", agent.room.available.to_text()}},
                "subscribe with REVOCABLE_RESOURCES, SHARED_RESOURCES or RESERVATION_REFINEMENT"};
      case RefusalReason::below_minimum:
        return below_minimum(rule, agent_slot);
      case RefusalReason::over_quota:
        return over_quota(rule);
      case RefusalReason::kept_for_guarantees:
        return kept(rule);
      case RefusalReason::constraint:
        return constraint(rule, agent);
      case RefusalReason::filtered:
        return filtered(rule, agent);
      case RefusalReason::demand:
        return unwanted(rule, agent_slot);
      default:
        return {rule, 0, {}, {}};
    }
  }

  static Finding reserved(const std::string& rule, const Agent& agent) {
    std::set<std::string> roles;
    for (const Resource& resource : agent.room.available.list()) {
      if (resource.is_reserved()) roles.insert(std::string(resource.role()));
    }
    std::string names;
    for (const std::string& role : roles) names += (names.empty() ? "" : ",") + role;
    return {rule, 0, {{"roles", names}}, "unreserve some of it, or subscribe in role " + names};
  }

  // Of the limits of its role and those above it, the one that leaves least.
  Finding over_quota(const std::string& rule) const {
    Finding out{rule, 0, {}, {}};
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const auto& [name, quota] : c_.state.quotas) {
      if (!role_may_use(role_.name, name)) continue;
      const allocator::NodeId node = allocation_.roles.find(name)->second.node;
      for (const auto& [resource, limit] : quota.limits) {
        const std::uint32_t d = dimension_of(allocation_, resource);
        if (d == allocator::kNone) continue;
        const auto consumed = static_cast<std::int64_t>(allocation_.quotas.consumed(node, d));
        if (limit - consumed >= least) continue;
        least = limit - consumed;
        out.numbers = {{"role", name},
                       {"limit", milli_text(limit) + " " + resource},
                       {"consumed", milli_text(consumed) + " " + resource}};
        out.change = "raise the limit of role " + name + " over " + milli_text(limit) + " " +
                     resource + ", or end some of what runs in it";
      }
    }
    return out;
  }

  // What roles with guarantees still lack, beside what is spare.
  Finding kept(const std::string& rule) const {
    Finding out{rule, 0, {}, "a role lacks its guarantee: add agents, or guarantee it less"};
    for (std::size_t d = 0; d < allocation_.dimensions.size(); ++d) {
      const auto needed = static_cast<std::int64_t>(allocation_.quotas.needed()[d]);
      if (needed == 0) continue;
      const auto spare = static_cast<std::int64_t>(allocation_.quotas.spare()[d]);
      const std::string& name = allocation_.dimensions[d];
      out.numbers.emplace_back("kept", milli_text(needed) + " " + name);
      out.numbers.emplace_back("spare", milli_text(spare) + " " + name);
    }
    return out;
  }

  // How much of a row is not there, and of the shortest dimension in thousandths of the row.
  std::pair<std::string, std::int64_t> lacking(const std::int64_t* row,
                                               const QuantityRow& there) const {
    std::string lacks;
    std::int64_t most = 0;
    for (std::size_t d = 0; d < allocation_.dimensions.size(); ++d) {
      const std::int64_t short_of = row[d] - there[d];
      if (short_of <= 0) continue;
      most = std::max(most, short_of / std::max<std::int64_t>(1, row[d] / 1'000));
      lacks += (lacks.empty() ? "" : ", ") + milli_text(short_of) + " " + allocation_.dimensions[d];
    }
    return {lacks, most};
  }

  // How much the nearest alternative of its minimum lacks there.
  Finding below_minimum(const std::string& rule, AgentSlot agent_slot) const {
    const QuantityRow there = usable_row(allocation_, claim_, agent_slot.index);
    Finding best{rule, std::numeric_limits<std::int64_t>::max(), {}, {}};
    const auto rows = allocation_.tree.minimum_rows(claim_.minimum);
    for (std::size_t first = 0; first < rows.size(); first += allocation_.dimensions.size()) {
      const auto [lacks, most] = lacking(rows.data() + first, there);
      if (most >= best.weight) continue;
      best.weight = most;
      best.numbers = {{"lacks", lacks}};
      best.change = "free " + lacks + " there, or ask for less in min_allocatable_resources";
    }
    return best;
  }

  // Of what it still wants there, what lacks least.
  Finding unwanted(const std::string& rule, AgentSlot agent_slot) const {
    Finding best{rule, std::numeric_limits<std::int64_t>::max(), {}, {}};
    const auto* wanted = wanted_in(framework_.demand, role_);
    const auto shapes = allocation_.demands.shapes(role_.claim.id);
    const QuantityRow there = usable_row(allocation_, claim_, agent_slot.index);
    best.change = "what it still wants is wanted on other agents";
    if (wanted == nullptr || wanted->size() != shapes.size()) return best;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const std::uint32_t only = shapes[i].room;
      if (shapes[i].unmet == 0) continue;
      if (only != allocator::DemandTable::kAnyRoom && only != agent_slot.index) continue;
      auto [lacks, most] = lacking(allocation_.demands.row(role_.claim.id, i), there);
      for (const auto& [name, milli] : (*wanted)[i].amounts) {
        if (dimension_of(allocation_, name) != allocator::kNone) continue;
        lacks = milli_text(milli) + " " + name;
        most = std::numeric_limits<std::int64_t>::max() - 1;
      }
      if (most >= best.weight) continue;
      best.weight = most;
      best.numbers = {{"wants", describe((*wanted)[i])}, {"lacks", lacks}};
      best.change = "free " + lacks + " there, or REQUEST less";
    }
    return best;
  }

  // Of the group that fails least, what fails.
  Finding constraint(const std::string& rule, const Agent& agent) const {
    Finding best{rule, std::numeric_limits<std::int64_t>::max(), {}, {}};
    if (framework_.constraints == nullptr) return best;
    const auto groups = framework_.constraints->roles.find(role_.name);
    if (groups == framework_.constraints->roles.end()) return best;
    for (const ConstraintGroup& group : groups->second) {
      std::int64_t fails = 0;
      std::string first;
      for (const AttributeConstraint& constraint : group) {
        if (passes(*agent.facet, constraint)) continue;
        if (fails++ == 0) first = describe(constraint);
      }
      if (fails >= best.weight) continue;
      best.weight = fails;
      best.numbers = {{"fails", first}, {"of_its_group", std::to_string(group.size())}};
      best.change = "drop the constraint that " + first;
    }
    return best;
  }

  Finding filtered(const std::string& rule, const Agent& agent) const {
    Instant ends = c_.stamp.now;
    for (const Filter& filter : agent.filters) {
      if (filter.framework == slot_ && filter.claim == role_.claim.id) {
        ends = std::max(ends, filter.ends);
      }
    }
    const Duration left = ends - c_.stamp.now;
    return {rule,
            left.ms(),
            {{"ends_in", seconds_text(left)}},
            "it declined this agent: wait " + seconds_text(left) + ", or REVIVE"};
  }

  const Context& c_;
  const Allocation& allocation_;
  FrameworkSlot slot_;
  const Framework& framework_;
  const Role& role_;
  const allocator::ShareTree::Claim& claim_;
};

}  // namespace

void on_explain(Context& c, const FromOperator& event, const operation::ExplainFramework& call) {
  const auto it = c.state.framework_of.find(call.framework_id);
  if (it == c.state.framework_of.end()) {
    c.answer(event.request, Error{ErrorCode::not_found, "framework_id: there is no framework '" +
                                                            call.framework_id.raw() + "'"});
    return;
  }
  // A second's worth of questions: each may look at every agent.
  Explaining& explaining = c.state.explaining;
  if (c.stamp.now - explaining.since >= Duration::seconds(1)) explaining = {c.stamp.now, 0};
  if (explaining.answered >= limits::kMaxExplanationsPerSecond) {
    PROBE("master.too_many_explanations");
    c.answer(event.request, Error{ErrorCode::unavailable,
                                  std::to_string(limits::kMaxExplanationsPerSecond) +
                                      " explanations were asked for in a second; try again"});
    return;
  }
  ++explaining.answered;
  auto made = std::make_shared<Explanation>();
  const Framework& framework = c.state.frameworks.at(it->second);
  made->framework_id = framework.id;
  made->at = c.stamp.wall;
  for (const Role& role : framework.roles) {
    if (!role.subscribed || !role.claim.entered) continue;
    made->roles.push_back(Explainer(c, it->second, role).run());
  }
  c.publish(change::Explained{std::move(made)});
  c.answer(event.request, {});
}

}  // namespace bourse::master
