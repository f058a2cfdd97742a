// EXPLAIN_FRAMEWORK: why a framework is offered what it is, and no more. An operator's question is
// an event like what operators write; the answer is a Change, so that it is read from the view like
// all else. It is made from what the rounds count and from the allocator's own word on each agent.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/probe.hpp"
#include "master/core/explain_agent.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using allocator::RefusalReason;
using Agents = Explanation::Agents;

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
  Explainer(const Context& c, FrameworkSlot slot, const Role& role, std::size_t stride)
      : c_(c),
        allocation_(c.state.allocation),
        slot_(slot),
        framework_(c.state.frameworks.at(slot)),
        role_(role),
        claim_(allocation_.tree.at(role.claim.id)),
        stride_(stride) {}

  Explanation::Role run() {
    Explanation::Role out;
    out.name = role_.name;
    out.share_ppm = ppm_of(c_.state, allocation_.tree.charged(role_.claim.id));
    out.role_share_ppm = ppm_of(c_.state, allocation_.tree.charged(allocator::NodeId(claim_.role)));
    rank(out);
    count(out);
    out.agents_in_all = c_.state.agents.size();
    out.looked_at = (out.agents_in_all + stride_ - 1) / stride_;
    out.wanted = explain_wanted(c_.state, c_.config, framework_, role_, stride_);
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
    if (is_full(framework_)) {
      return {"offers_full", "it holds " + std::to_string(limits::kMaxOffersPerFramework) +
                                 " offers, the most: accept or decline some"};
    }
    if (claim_.demanded && allocation_.demands.is_met(role_.claim.id)) {
      return {"demand", "all that it wants is on offer to it: launch on that, or REQUEST more"};
    }
    return {};
  }

  // In the order in which a room asks: at each level of the tree of roles the smaller share comes
  // first, with all that is below it. Equal shares take turns: it counts as the first of them.
  void rank(Explanation::Role& out) const {
    const allocator::ShareTree& tree = allocation_.tree;
    allocator::ShareScale scale;
    scale.prepare(allocation_.totals, allocation_.share_mask);
    const auto share_of = [&](std::uint32_t node) {
      return scale.share_of(tree.charged_row(node).data(), tree.node(node).weight_milli);
    };
    const bool competes = claim_.state == allocator::ClaimState::active;
    out.rank = 1;
    out.of = tree.active_below(allocator::kRootRole.raw()) + (competes ? 0 : 1);
    for (std::uint32_t node = claim_.node; node != allocator::kRootRole.raw();
         node = tree.node(node).parent) {
      const allocator::Share own = share_of(node);
      for (const std::uint32_t other :
           tree.group(tree.node(tree.node(node).parent).group).children) {
        const std::uint32_t active = other == node ? 0 : tree.active_below(other);
        if (active > 0 && scale.compare(share_of(other), own) < 0) out.rank += active;
      }
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
    AgentExplainer explainer(c_, slot_, role_);
    std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, Agents>> rows;
    std::set<std::string> kinds;
    std::size_t number = 0;
    c_.state.agents.for_each([&](AgentSlot agent_slot, const Agent& agent) {
      if (number++ % stride_ != 0) return;
      std::string kind = kind_of(agent);
      if (!kinds.contains(kind) && kinds.size() >= limits::kMaxExplainedKinds) kind = "others";
      kinds.insert(kind);
      Finding found = explainer.find(agent_slot, agent);
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

  const Context& c_;
  const Allocation& allocation_;
  FrameworkSlot slot_;
  const Framework& framework_;
  const Role& role_;
  const allocator::ShareTree::Claim& claim_;
  std::size_t stride_;  // each so-manieth agent is looked at
};

// A second's worth of questions: each looks at many agents.
Status admit(Explaining& explaining, Instant now) {
  if (now - explaining.since >= Duration::seconds(1)) explaining = {now, 0, 0};
  if (explaining.answered < limits::kMaxExplanationsPerSecond &&
      explaining.looks < limits::kMaxExplainedLooks) {
    return {};
  }
  PROBE("master.too_many_explanations");
  return Error{ErrorCode::unavailable,
               std::to_string(explaining.answered) + " explanations of this second looked at " +
                   std::to_string(explaining.looks) + " agents, which is enough; try again"};
}

}  // namespace

void on_explain(Context& c, const FromOperator& event, const operation::ExplainFramework& call) {
  const auto it = c.state.framework_of.find(call.framework_id);
  if (it == c.state.framework_of.end()) {
    c.answer(event.request, Error{ErrorCode::not_found, "framework_id: there is no framework '" +
                                                            call.framework_id.raw() + "'"});
    return;
  }
  if (const Status admitted = admit(c.state.explaining, c.stamp.now); !admitted.ok()) {
    c.answer(event.request, admitted);
    return;
  }
  const Framework& framework = c.state.frameworks.at(it->second);
  const auto is_explained = [](const Role& role) { return role.subscribed && role.claim.entered; };
  const auto roles = static_cast<std::size_t>(
      std::count_if(framework.roles.begin(), framework.roles.end(), is_explained));
  const std::size_t all = roles * c.state.agents.size();
  const std::size_t stride =
      std::max<std::size_t>(1, (all + limits::kMaxExplainedLooks - 1) / limits::kMaxExplainedLooks);
  if (stride > 1) PROBE("master.explanation_looks_at_some_agents");
  ++c.state.explaining.answered;
  c.state.explaining.looks += all / stride;
  auto made = std::make_shared<Explanation>();
  made->framework_id = framework.id;
  made->at = c.stamp.wall;
  for (const Role& role : framework.roles) {
    if (is_explained(role)) made->roles.push_back(Explainer(c, it->second, role, stride).run());
  }
  c.publish(change::Explained{std::move(made)});
  c.answer(event.request, {});
}

}  // namespace bourse::master
