// What is wrong with a change of quotas: one sentence that names the field, the value and what
// would be right.
#include <algorithm>
#include <set>

#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Quotas = std::map<std::string, Quota>;
using allocator::Sum;

std::int64_t amount_in(const Quantities& amounts, const std::string& name) {
  const auto it = amounts.find(name);
  return it == amounts.end() ? 0 : it->second;
}

std::string shown(const std::string& name, std::int64_t milli) {
  return name + ":" + milli_text(milli);
}

std::string shown(const std::string& name, Sum milli) {
  constexpr Sum kMostShown = Sum{1} << 62;
  return shown(name, static_cast<std::int64_t>(std::min(milli, kMostShown)));
}

std::string field_of(std::size_t index) {
  return "quota_configs[" + std::to_string(index) + "].";
}

// The closest role above with a quota; empty: none.
std::string parent_of(const Quotas& quotas, std::string role) {
  for (auto slash = role.rfind('/'); slash != std::string::npos; slash = role.rfind('/')) {
    role.resize(slash);
    if (quotas.contains(role)) return role;
  }
  return {};
}

struct Check {
  const Context& c;
  const operation::UpdateQuota& call;
  const Quotas& next;

  const Allocation& allocation() const { return c.state.allocation; }
  std::string unless_forced() const { return "; or give \"force\": true"; }

  std::optional<Error> list() const {
    if (call.quotas.empty()) return invalid("quota_configs: name at least one role");
    if (call.quotas.size() > limits::kMaxRolesPerWrite) {
      return invalid("quota_configs: " + std::to_string(call.quotas.size()) + " roles, at most " +
                     std::to_string(limits::kMaxRolesPerWrite) + " in one call");
    }
    if (next.size() > limits::kMaxQuotas) {
      return Error{ErrorCode::full, "quota_configs: " + std::to_string(limits::kMaxQuotas) +
                                        " roles have quotas already, which is the most"};
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < call.quotas.size(); ++i) {
      const std::string& role = call.quotas[i].role;
      if (role == "*") {
        return invalid(field_of(i) +
                       "role: '*' is everybody's and has no quota; name a role of its own");
      }
      if (const auto wrong = validate_role(role)) return invalid(field_of(i) + "role: " + *wrong);
      if (!seen.insert(role).second) {
        return invalid(field_of(i) + "role: '" + role + "' is given twice; give each role once");
      }
    }
    return how();
  }

  // A new leader does not know yet what there is and what is in use.
  std::optional<Error> recovering() const {
    const std::uint64_t away = c.state.agents_recovering;
    const bool removes = std::all_of(call.quotas.begin(), call.quotas.end(),
                                     [](const RoleQuota& one) { return one.quota.empty(); });
    if (away == 0 || removes) return {};
    return Error{ErrorCode::unavailable,
                 "quota_configs: " + std::to_string(away) +
                     " agents are not back since this master leads: what the cluster has and what "
                     "roles use is not known yet; try again" +
                     unless_forced()};
  }

  std::optional<Error> how() const {
    using How = operation::UpdateQuota::How;
    const std::string& role = call.quotas.front().role;
    const bool has = c.state.quotas_wanted.contains(role);
    if (call.how == How::set_new && has) {
      return Error{ErrorCode::invalid,
                   "role: '" + role + "' has a quota already; remove it first, or UPDATE_QUOTA"};
    }
    if (call.how == How::remove && !has) {
      return Error{ErrorCode::invalid, "role: '" + role + "' has no quota that could be removed"};
    }
    return {};
  }

  std::optional<Error> amounts(std::size_t index) const {
    const auto& [role, quota] = call.quotas[index];
    const std::string at = field_of(index);
    for (const auto* amounts : {&quota.guarantees, &quota.limits}) {
      const std::string field = at + (amounts == &quota.guarantees ? "guarantees" : "limits");
      for (const auto& [name, milli] : *amounts) {
        if (auto wrong = amount(field, name, milli)) return wrong;
      }
    }
    for (const auto& [name, guarantee] : quota.guarantees) {
      const auto limit = quota.limits.find(name);
      if (limit == quota.limits.end() || guarantee <= limit->second) continue;
      return invalid(at + "guarantees: " + shown(name, guarantee) + " of role '" + role +
                     "' is more than its limit " + shown(name, limit->second) +
                     "; lower it or raise the limit");
    }
    return {};
  }

  std::optional<Error> amount(const std::string& field, const std::string& name,
                              std::int64_t milli) const {
    if (name.empty() || name.size() > limits::kMaxNameBytes) {
      return invalid(field + ": a name of " + std::to_string(name.size()) +
                     " bytes; give from 1 to " + std::to_string(limits::kMaxNameBytes));
    }
    if (milli < 0 || milli > limits::kMaxScalarMilli) {
      return invalid(field + ": " + name + " is " + milli_text(milli) +
                     "; give a quantity from 0 to 1e12");
    }
    const std::uint32_t d = dimension_of(allocation(), name);
    if (d == allocator::kNone && !call.force) {
      return invalid(field + ": no agent has '" + name + "'; give a name that agents have" +
                     unless_forced());
    }
    if (d == allocator::kNone &&
        allocation().dimensions.size() + unlearned() > allocator::kMaxDimensions) {
      return Error{ErrorCode::full, field + ": '" + name + "' is one name more than the " +
                                        std::to_string(allocator::kMaxDimensions) +
                                        " that are counted"};
    }
    if (is_no_scalar(name)) {
      return invalid(field + ": '" + name + "' is ranges or a set; give scalars, as cpus or mem");
    }
    return {};
  }

  // Names of quotas to come that have no dimension yet.
  std::size_t unlearned() const {
    std::set<std::string> names;
    for (const auto& [role, quota] : next) {
      for (const auto* amounts : {&quota.guarantees, &quota.limits}) {
        for (const auto& [name, milli] : *amounts) {
          if (dimension_of(allocation(), name) == allocator::kNone) names.insert(name);
        }
      }
    }
    return names.size();
  }

  bool is_no_scalar(const std::string& name) const {
    const std::uint32_t d = dimension_of(allocation(), name);
    return d != allocator::kNone && (allocation().share_mask >> d & 1) == 0;
  }

  // Each parent against its children, where one of them is changed or below what is.
  std::optional<Error> tree() const {
    std::map<std::string, Quantities> together;
    for (const auto& [role, quota] : next) {
      const std::string parent = parent_of(next, role);
      if (parent.empty()) continue;
      const Quota& above = next.at(parent);
      for (const auto& [name, limit] : quota.limits) {
        const auto most = above.limits.find(name);
        if (most == above.limits.end() || limit <= most->second) continue;
        return invalid("quota_configs: the limit " + shown(name, limit) + " of role '" + role +
                       "' is more than " + shown(name, most->second) + " of '" + parent +
                       "' above it; lower it or raise that");
      }
      for (const auto& [name, guarantee] : quota.guarantees) {
        auto& sum = together[parent][name];
        sum = std::min(sum + guarantee, limits::kMaxScalarMilli * 1000);
      }
    }
    for (const auto& [parent, sums] : together) {
      for (const auto& [name, sum] : sums) {
        const std::int64_t guarantee = amount_in(next.at(parent).guarantees, name);
        if (sum <= guarantee) continue;
        return invalid("quota_configs: the roles below '" + parent + "' are guaranteed " +
                       shown(name, sum) + " together, it has " + shown(name, guarantee) +
                       "; lower theirs or raise its guarantee");
      }
    }
    return {};
  }

  // What the topmost roles are guaranteed together against what there is, of names that this call
  // gives more of.
  std::optional<Error> cluster() const {
    std::set<std::string> names;
    for (const auto& [role, quota] : call.quotas) {
      const auto had = c.state.quotas_wanted.find(role);
      for (const auto& [name, milli] : quota.guarantees) {
        const bool raised =
            had == c.state.quotas_wanted.end() || milli > amount_in(had->second.guarantees, name);
        if (milli > 0 && raised) names.insert(name);
      }
    }
    for (const std::string& name : names) {
      Sum together = 0;
      for (const auto& [role, quota] : next) {
        if (!parent_of(next, role).empty()) continue;
        together += static_cast<Sum>(amount_in(quota.guarantees, name));
      }
      const std::uint32_t d = dimension_of(allocation(), name);
      const Sum total = d == allocator::kNone ? 0 : allocation().totals[d];
      if (together <= total) continue;
      return invalid("quota_configs: all roles together would be guaranteed " +
                     shown(name, together) + ", the cluster has " + shown(name, total) +
                     "; lower a guarantee" + unless_forced());
    }
    return {};
  }

  // Limits against what tasks and reservations hold; offers can be taken back.
  std::optional<Error> in_use(std::size_t index) const {
    const std::string& role = call.quotas[index].role;
    const Quota& quota = call.quotas[index].quota;
    const auto it = allocation().roles.find(role);
    if (it == allocation().roles.end() || quota.limits.empty()) return {};
    QuantityRow offered{};
    c.state.offers.for_each([&](OfferSlot, const Offer& offer) {
      const std::string& its = c.state.frameworks.at(offer.framework).roles[offer.role].name;
      if (!role_may_use(its, role)) return;
      const QuantityRow row = counted_row(allocation(), offer.resources);
      for (std::size_t d = 0; d < row.size(); ++d) offered[d] += row[d];
    });
    for (const auto& [name, limit] : quota.limits) {
      const std::uint32_t d = dimension_of(allocation(), name);
      if (d == allocator::kNone) continue;
      const Sum used =
          allocation().quotas.consumed(it->second.node, d) - static_cast<Sum>(offered[d]);
      if (used <= static_cast<Sum>(limit)) continue;
      return Error{ErrorCode::conflict, field_of(index) + "limits: role '" + role + "' uses " +
                                            shown(name, used) + ", the limit would be " +
                                            shown(name, limit) + "; raise it" + unless_forced()};
    }
    return {};
  }
};

}  // namespace

std::optional<Error> validate_quotas(const Context& c, const operation::UpdateQuota& call,
                                     const std::map<std::string, Quota>& next) {
  const Check check{c, call, next};
  if (auto wrong = check.list()) return wrong;
  if (!call.force) {
    if (auto not_yet = check.recovering()) return not_yet;
  }
  for (std::size_t i = 0; i < call.quotas.size(); ++i) {
    if (auto wrong = check.amounts(i)) return wrong;
  }
  if (auto wrong = check.tree()) return wrong;
  if (call.force) return {};
  if (auto wrong = check.cluster()) return wrong;
  for (std::size_t i = 0; i < call.quotas.size(); ++i) {
    if (auto wrong = check.in_use(i)) return wrong;
  }
  return {};
}

}  // namespace bourse::master
