// What a framework may call itself. Sentences as Mesos says them, for clients that show them.
#include <algorithm>

#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

std::optional<std::string> validate_role(const std::string& role) {
  if (role == "*") return std::nullopt;
  const std::string named = "Role '" + role + "'";
  if (role.empty()) return "Empty role name is invalid";
  if (role.size() > limits::kMaxRoleBytes) {
    return "Role of " + std::to_string(role.size()) + " bytes is longer than " +
           std::to_string(limits::kMaxRoleBytes);
  }
  if (role.front() == '/') return named + " cannot start with a slash";
  if (role.back() == '/') return named + " cannot end with a slash";
  std::size_t depth = 0;
  for (std::size_t start = 0; start <= role.size();) {
    const std::size_t end = std::min(role.find('/', start), role.size());
    const std::string part = role.substr(start, end - start);
    if (part.empty()) return named + " cannot contain two adjacent slashes";
    if (part == "." || part == "..") {
      return named + " cannot contain '" + part + "' as a component";
    }
    if (part.front() == '-') return named + " cannot have a component that starts with a dash";
    if (part == "*") return named + " cannot contain '*' as a component";
    start = end + 1;
    ++depth;
  }
  if (depth > limits::kMaxRoleDepth) {
    return named + " is " + std::to_string(depth) + " levels deep, over " +
           std::to_string(limits::kMaxRoleDepth);
  }
  const auto unprintable = [](unsigned char ch) { return ch <= 0x20 || ch == 0x7f; };
  if (std::any_of(role.begin(), role.end(), unprintable)) {
    return named + " cannot contain whitespace or control characters";
  }
  return std::nullopt;
}

namespace {

bool is_own_role(const FrameworkFacet& facet, const std::string& role) {
  if (facet.roles.empty()) return role == "*";
  return std::find(facet.roles.begin(), facet.roles.end(), role) != facet.roles.end();
}

std::optional<std::string> wrong_filters(const FrameworkFacet& facet) {
  const std::string field = "'FrameworkInfo.offer_filters' ";
  std::size_t count = 0;
  for (const auto& [role, minimums] : facet.min_allocatable) {
    if (!is_own_role(facet, role)) {
      return field + "names role '" + role + "', which is not one of the framework's roles";
    }
    count += minimums.size();
    for (const Quantities& least : minimums) {
      if (least.size() <= limits::kMaxMinimumNames) continue;
      return field + "has a minimum of " + std::to_string(least.size()) + " resources in role '" +
             role + "': at most " + std::to_string(limits::kMaxMinimumNames);
    }
  }
  if (count <= limits::kMaxMinimums) return std::nullopt;
  return field + "has " + std::to_string(count) + " quantities in all: at most " +
         std::to_string(limits::kMaxMinimums);
}

}  // namespace

std::optional<std::string> validate_framework(const FrameworkFacet& facet,
                                              const std::vector<std::string>& suppressed_roles) {
  const bool multi_role = facet.capabilities.has(Capabilities::multi_role);
  if (!multi_role && facet.roles.size() > 1) {
    return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
  }
  if (facet.roles.size() > limits::kMaxRolesPerFramework) {
    return "'FrameworkInfo.roles' has " + std::to_string(facet.roles.size()) +
           " roles, more than " + std::to_string(limits::kMaxRolesPerFramework);
  }
  for (std::size_t i = 0; i < facet.roles.size(); ++i) {
    if (const auto wrong = validate_role(facet.roles[i])) {
      return std::string(multi_role ? "'FrameworkInfo.roles' contains an invalid role: "
                                    : "'FrameworkInfo.role' is not a valid role: ") +
             *wrong;
    }
    if (std::find(facet.roles.begin(), facet.roles.begin() + static_cast<std::ptrdiff_t>(i),
                  facet.roles[i]) != facet.roles.begin() + static_cast<std::ptrdiff_t>(i)) {
      return "'FrameworkInfo.roles' has a duplicate role '" + facet.roles[i] + "'";
    }
  }
  for (const std::string& role : suppressed_roles) {
    if (!is_own_role(facet, role))
      return "Suppressed role '" + role + "' is not one of the framework's roles";
  }
  if (const auto wrong = wrong_filters(facet)) return wrong;
  if (facet.name.size() > limits::kMaxNameBytes) {
    return "'FrameworkInfo.name' is " + std::to_string(facet.name.size()) +
           " bytes long, more than " + std::to_string(limits::kMaxNameBytes);
  }
  if (facet.id.raw().size() > limits::kMaxIdBytes) {
    return "'FrameworkInfo.id' is " + std::to_string(facet.id.raw().size()) +
           " bytes long, more than " + std::to_string(limits::kMaxIdBytes);
  }
  if (facet.failover_timeout < Duration{} || facet.failover_timeout > limits::kMaxFailoverTimeout) {
    return "'FrameworkInfo.failover_timeout' must be between 0 and ten years";
  }
  if (const auto budget = disruption_budget_of(facet.labels); !budget.ok()) {
    return budget.error().message;
  }
  return std::nullopt;
}

}  // namespace bourse::master
