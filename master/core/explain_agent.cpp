#include "master/core/explain_agent.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using allocator::RefusalReason;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();
// Of a row: more than that is a quantity that nobody has (minimum_of in claims.cpp).
constexpr std::int64_t kMostCounted = std::int64_t{1} << 60;
constexpr std::size_t kMaxRolesNamed = 8;

std::string seconds_text(Duration span) {
  return milli_text(std::max<std::int64_t>(0, span.ms())) + " s";
}

Finding away(const Agent& agent) {
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

Finding next_round() {
  return {"better_claim",
          0,
          {},
          "nothing stands in the way: whoever has the smallest share is "
          "offered it in the next round"};
}

std::string capability_names(allocator::Capabilities missing) {
  std::string out;
  const auto name = [&](allocator::Capabilities bit, const char* text) {
    if ((missing & bit) != 0) out += (out.empty() ? "" : " and ") + std::string(text);
  };
  name(allocator::kRevocable, "REVOCABLE_RESOURCES");
  name(allocator::kShared, "SHARED_RESOURCES");
  name(allocator::kRefined, "RESERVATION_REFINEMENT");
  return out;
}

bool is_any(const std::int64_t* row, std::size_t width) {
  return std::any_of(row, row + width, [](std::int64_t milli) { return milli > 0; });
}

}  // namespace

AgentExplainer::AgentExplainer(const Context& c, FrameworkSlot slot, const Role& role)
    : c_(c),
      allocation_(c.state.allocation),
      slot_(slot),
      framework_(c.state.frameworks.at(slot)),
      role_(role),
      claim_(allocation_.tree.at(role.claim.id)) {}

Finding AgentExplainer::find(AgentSlot agent_slot, const Agent& agent) {
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

Finding AgentExplainer::promised(const Offer& offer) const {
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

Finding AgentExplainer::detail(RefusalReason reason, AgentSlot agent_slot, const Agent& agent) {
  const std::string rule = allocator::name_of(reason);
  switch (reason) {
    case RefusalReason::nothing_free:
      return nothing_free(rule, agent);
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
      return not_capable(rule, agent_slot, agent);
    case RefusalReason::below_minimum:
      return below_minimum(rule, agent_slot);
    case RefusalReason::over_quota:
      return over_quota(rule, agent_slot);
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

// -- what is there

AgentExplainer::Lack AgentExplainer::lacking(const std::int64_t* row,
                                             const QuantityRow& there) const {
  Lack out;
  for (std::size_t d = 0; d < allocation_.dimensions.size(); ++d) {
    const std::int64_t short_of = row[d] - there[d];
    if (short_of <= 0) continue;
    out.most = std::max(out.most, short_of / std::max<std::int64_t>(1, row[d] / 1'000));
    out.text +=
        (out.text.empty() ? "" : ", ") + milli_text(short_of) + " " + allocation_.dimensions[d];
  }
  return out;
}

// How much the nearest alternative of its minimum lacks. nullopt: it takes anything.
std::optional<AgentExplainer::Lack> AgentExplainer::nearest_minimum(
    const QuantityRow& there) const {
  const auto rows = allocation_.tree.minimum_rows(claim_.minimum);
  const auto said = framework_.facet->min_allocatable.find(role_.name);
  const bool is_said = said != framework_.facet->min_allocatable.end() && !claim_.demanded;
  std::optional<Lack> best;
  for (std::size_t i = 0; i * allocation_.dimensions.size() < rows.size(); ++i) {
    Lack lack = lacking(rows.data() + i * allocation_.dimensions.size(), there);
    if (is_said && i < said->second.size()) {
      for (const auto& [name, milli] : said->second[i]) {
        if (dimension_of(allocation_, name) != allocator::kNone) continue;
        lack = {milli_text(milli) + " " + name, kUnlimited - 1, true};
      }
    }
    if (!best || lack.most < best->most) best = std::move(lack);
  }
  return best;
}

std::string AgentExplainer::amounts_text(const QuantityRow& row) const {
  std::string out;
  for (std::size_t d = 0; d < allocation_.dimensions.size(); ++d) {
    if (row[d] == 0) continue;
    out += (out.empty() ? "" : ", ") + milli_text(row[d]) + " " + allocation_.dimensions[d];
  }
  return out;
}

Finding AgentExplainer::nothing_free(const std::string& rule, const Agent& agent) const {
  Finding out{rule, 0, {{"used", agent.ledger.used().to_text()}}, "something there must end"};
  const auto least = nearest_minimum({});
  if (!least || least->text.empty()) return out;
  out.numbers.emplace_back("least", least->text);
  out.change = "end what holds " + least->text + " there";
  if (least->unknown) out.change = "add an agent with " + least->text + ": none has any";
  return out;
}

Finding AgentExplainer::reserved(const std::string& rule, const Agent& agent) const {
  std::map<std::string, QuantityRow> of_role;
  for (const Resource& resource : agent.room.available.list()) {
    if (!resource.is_reserved()) continue;
    const std::string role(resource.role());
    if (of_role.size() >= kMaxRolesNamed && !of_role.contains(role)) continue;
    add_to_row(allocation_, resource, of_role[role].data());
  }
  Finding out{rule, 0, {}, {}};
  std::string names;
  for (const auto& [role, row] : of_role) names += (names.empty() ? "" : ",") + role;
  out.numbers.emplace_back("roles", names);
  for (const auto& [role, row] : of_role) {
    const std::string amounts = amounts_text(row);
    if (amounts.empty()) continue;
    out.numbers.emplace_back("for " + role, amounts);
    if (!out.change.empty()) continue;
    out.change = "unreserve some of the " + amounts + " that role " + role +
                 " has there, or subscribe in role " + role;
  }
  if (out.change.empty()) out.change = "unreserve some of it, or subscribe in role " + names;
  return out;
}

// Of what its role might have there, what needs least.
Finding AgentExplainer::not_capable(const std::string& rule, AgentSlot agent_slot,
                                    const Agent& agent) const {
  Finding out{rule, 0, {{"free", agent.room.available.to_text()}}, {}};
  const allocator::RoomTable& rooms = allocation_.rooms;
  const auto& place = rooms.room(agent_slot.index);
  const auto parts = rooms.parts(allocator::RoomId(agent_slot.index));
  int fewest = std::numeric_limits<int>::max();
  for (std::uint32_t i = 0; i < place.part_count; ++i) {
    const std::uint8_t missing = parts[i].traits & ~claim_.capabilities;
    const int count = __builtin_popcount(missing);
    if (count == 0 || count >= fewest) continue;
    if (!is_any(rooms.row(place.first_part + i), allocation_.dimensions.size())) continue;
    if (!is_open_to(allocation_, claim_, parts[i].role)) continue;
    fewest = count;
    out.change = "subscribe with " + capability_names(missing);
  }
  return out;
}

Finding AgentExplainer::below_minimum(const std::string& rule, AgentSlot agent_slot) const {
  Finding out{rule, kUnlimited, {}, {}};
  const auto lack = nearest_minimum(usable_row(allocation_, claim_, agent_slot.index));
  if (!lack) return out;
  out.weight = lack->most;
  out.numbers = {{"lacks", lack->text}};
  out.change = (lack->unknown ? "add an agent with " + lack->text + ", which none has"
                              : "free " + lack->text + " there") +
               ", or ask for less in min_allocatable_resources";
  return out;
}

// -- quotas

std::optional<AgentExplainer::Headroom> AgentExplainer::headroom(std::size_t dimension) const {
  std::optional<Headroom> least;
  std::string name = role_.name;
  while (true) {
    const auto quota = c_.state.quotas.find(name);
    if (quota != c_.state.quotas.end()) {
      const auto limit = quota->second.limits.find(allocation_.dimensions[dimension]);
      if (limit != quota->second.limits.end()) {
        const allocator::NodeId node = allocation_.roles.find(name)->second.node;
        const auto consumed = static_cast<std::int64_t>(
            allocation_.quotas.consumed(node, static_cast<std::uint32_t>(dimension)));
        const Headroom found{name, limit->second, consumed};
        if (!least || found.left() < least->left()) least = found;
      }
    }
    const auto slash = name.rfind('/');
    if (slash == std::string::npos) return least;
    name.resize(slash);
  }
}

// Of what it takes as its least and could have there, what a limit leaves it short of, in the
// dimension that is missed most.
Finding AgentExplainer::over_quota(const std::string& rule, AgentSlot agent_slot) const {
  const std::size_t width = allocation_.dimensions.size();
  const QuantityRow there = usable_row(allocation_, claim_, agent_slot.index);
  const auto minimum = allocation_.tree.minimum_rows(claim_.minimum);
  std::vector<std::optional<Headroom>> rooms(width);
  for (std::size_t d = 0; d < width; ++d) rooms[d] = headroom(d);
  struct Missed {
    std::int64_t most = kUnlimited;  // in thousandths of the row
    std::size_t dimension = 0;
    std::int64_t wanted = 0;
  } best;
  const auto judge = [&](const std::int64_t* row) {
    Missed worst{-1, 0, 0};
    for (std::size_t d = 0; d < width; ++d) {
      if (!rooms[d] || row[d] <= rooms[d]->left()) continue;
      const std::int64_t missed =
          (row[d] - rooms[d]->left()) / std::max<std::int64_t>(1, row[d] / 1'000);
      if (missed > worst.most) worst = {missed, d, row[d]};
    }
    if (worst.most >= 0 && worst.most < best.most) best = worst;
  };
  for (std::size_t first = 0; first < minimum.size(); first += width) {
    if (lacking(minimum.data() + first, there).text.empty()) judge(minimum.data() + first);
  }
  // It takes anything, or what is there goes whole or not at all.
  if (best.most == kUnlimited) judge(there.data());
  if (best.most == kUnlimited) return {rule, 0, {}, {}};
  const Headroom& limit = *rooms[best.dimension];
  const std::string& name = allocation_.dimensions[best.dimension];
  const auto amount = [&](std::int64_t milli) { return milli_text(milli) + " " + name; };
  const std::string or_end =
      limit.consumed > 0 ? ", or end " + amount(best.wanted - limit.left()) + " of what runs in it"
                         : "";
  const std::int64_t enough =
      std::min(limit.consumed, kMostCounted) + std::min(best.wanted, kMostCounted);
  return {rule,
          best.most,
          {{"role", limit.role},
           {"limit", amount(limit.limit)},
           {"consumed", amount(limit.consumed)},
           {"headroom", amount(limit.left())},
           {"least", amount(best.wanted)}},
          "raise the limit of role " + limit.role + " from " + amount(limit.limit) + " to " +
              amount(enough) + or_end};
}

// The role that lacks most, in thousandths of a guarantee.
std::pair<std::string, std::string> AgentExplainer::lacking_role() const {
  std::pair<std::string, std::string> out;
  std::int64_t worst = -1;
  for (const auto& [name, quota] : c_.state.quotas) {
    const allocator::NodeId node = allocation_.roles.find(name)->second.node;
    std::int64_t most = -1;
    std::string lacks;
    for (const auto& [resource, guarantee] : quota.guarantees) {
      const std::uint32_t d = dimension_of(allocation_, resource);
      if (d == allocator::kNone) continue;
      const allocator::Sum consumed = allocation_.quotas.consumed(node, d);
      if (consumed >= static_cast<allocator::Sum>(guarantee)) continue;
      const std::int64_t short_of = guarantee - static_cast<std::int64_t>(consumed);
      most = std::max(most, short_of / std::max<std::int64_t>(1, guarantee / 1'000));
      lacks += (lacks.empty() ? "" : ", ") + milli_text(short_of) + " " + resource;
    }
    if (most <= worst) continue;
    worst = most;
    out = {name, lacks};
  }
  return out;
}

// What roles with guarantees still lack, beside what is spare.
Finding AgentExplainer::kept(const std::string& rule) {
  Finding out{rule, 0, {}, {}};
  for (std::size_t d = 0; d < allocation_.dimensions.size(); ++d) {
    const auto needed = static_cast<std::int64_t>(allocation_.quotas.needed()[d]);
    if (needed == 0) continue;
    const auto spare = static_cast<std::int64_t>(allocation_.quotas.spare()[d]);
    const std::string& name = allocation_.dimensions[d];
    out.numbers.emplace_back("kept", milli_text(needed) + " " + name);
    out.numbers.emplace_back("spare", milli_text(spare) + " " + name);
  }
  if (!lacking_role_) lacking_role_ = lacking_role();
  const auto& [role, lacks] = *lacking_role_;
  out.change = role.empty() ? "add agents, or guarantee other roles less"
                            : "role " + role + " lacks " + lacks +
                                  " of its guarantee: add agents with that, or guarantee it less";
  return out;
}

// -- what the framework said

// Of what it still wants there, what lacks least.
Finding AgentExplainer::unwanted(const std::string& rule, AgentSlot agent_slot) const {
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
    auto [lacks, most, unknown] = lacking(allocation_.demands.row(role_.claim.id, i), there);
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
Finding AgentExplainer::constraint(const std::string& rule, const Agent& agent) const {
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

Finding AgentExplainer::filtered(const std::string& rule, const Agent& agent) const {
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

}  // namespace bourse::master
