#include "framework-sdk/link/framework_form.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "framework-sdk/link/task_form.hpp"
#include "model/disruption_budget.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/offer_constraints_form.hpp"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/offer_constraints.pb.h"

namespace bourse::sdk {

namespace {

namespace v1 = mesos::v1;

std::string process_user() {
  const char* user = ::getenv("USER");
  if (user != nullptr && *user != 0) return user;
  return ::geteuid() == 0 ? "root" : std::to_string(::geteuid());
}

std::vector<std::string> roles_of(const SchedulerOptions& options) {
  return options.roles.empty() ? std::vector{options.role} : options.roles;
}

Status check_role(const std::string& role, const std::string& field,
                  const std::vector<std::string>& roles) {
  if (std::find(roles.begin(), roles.end(), role) != roles.end()) return {};
  return invalid("options." + field + ": the framework is not in role '" + role +
                 "'; name one of options.roles");
}

// What is said by role, with "" spread over all that are not named themselves.
template <typename Said>
Result<std::map<std::string, Said>> by_role(const std::map<std::string, Said>& said,
                                            const std::string& field,
                                            const std::vector<std::string>& roles) {
  std::map<std::string, Said> out;
  for (const auto& [role, what] : said) {
    if (role.empty()) continue;
    if (const Status own = check_role(role, field, roles); !own.ok()) return own.error();
    out[role] = what;
  }
  const auto rest = said.find("");
  if (rest == said.end()) return out;
  for (const std::string& role : roles) out.emplace(role, rest->second);
  return out;
}

void fill_capabilities(const SchedulerOptions& options, v1::FrameworkInfo& info) {
  using Capability = v1::FrameworkInfo::Capability;
  std::vector<Capability::Type> types = {
      Capability::TASK_KILLING_STATE, Capability::PARTITION_AWARE, Capability::MULTI_ROLE,
      Capability::RESERVATION_REFINEMENT, Capability::REGION_AWARE};
  if (options.shared_volumes) types.push_back(Capability::SHARED_RESOURCES);
  if (options.gpus) types.push_back(Capability::GPU_RESOURCES);
  if (options.revocable) types.push_back(Capability::REVOCABLE_RESOURCES);
  for (const auto type : types) info.add_capabilities()->set_type(type);
}

Status fill_min_allocatable(const SchedulerOptions& options, v1::FrameworkInfo& info) {
  const auto least = by_role(options.min_allocatable, "min_allocatable", roles_of(options));
  if (!least.ok()) return least.error();
  for (const auto& [role, alternatives] : least.value()) {
    auto& made = *(*info.mutable_offer_filters())[role].mutable_min_allocatable_resources();
    for (const Resources& alternative : alternatives) {
      auto& quantities = *made.add_quantities()->mutable_quantities();
      const bourse::Resources amounts = model_resources(alternative);
      for (const bourse::Resource& resource : amounts.list()) {
        quantities[resource.name].set_value(static_cast<double>(quantity_of(resource)) / 1000.0);
      }
      if (quantities.empty()) {
        return invalid("options.min_allocatable: an alternative of role '" + role +
                       "' is of nothing: say of what and how much, or leave the role out");
      }
    }
  }
  return {};
}

// Through the public form, whose reader has the bounds and the sentences. Patterns are the master's
// to judge: the SDK has no library for them.
Result<OfferConstraintsPtr> constraints_of(const SchedulerOptions& options) {
  const auto said = by_role(options.offer_constraints, "offer_constraints", roles_of(options));
  if (!said.ok()) return said.error();
  OfferConstraints made;
  for (const auto& [role, groups] : said.value()) {
    for (const std::vector<OfferConstraint>& group : groups) {
      ConstraintGroup& to = made.roles[role].emplace_back();
      for (const OfferConstraint& one : group) {
        using Test = AttributeConstraint::Test;
        const auto test = static_cast<Test>(one.test);
        to.push_back({static_cast<AttributeConstraint::Of>(one.of), one.attribute, test, one.text,
                      Pattern()});
      }
    }
  }
  v1::scheduler::OfferConstraints message;
  codec::write_offer_constraints(made, message);
  return codec::read_offer_constraints(message, "options.offer_constraints");
}

Result<FrameworkFacet> framework_of(const SchedulerOptions& options) {
  v1::FrameworkInfo info;
  info.set_user(options.user.empty() ? process_user() : options.user);
  info.set_name(options.name);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) info.set_hostname(host.data());
  if (!options.principal.empty()) info.set_principal(options.principal);
  if (!options.webui_url.empty()) info.set_webui_url(options.webui_url);
  info.set_failover_timeout(static_cast<double>(options.failover_timeout_ms) / 1000.0);
  info.set_checkpoint(true);
  for (const std::string& role : roles_of(options)) info.add_roles(role);
  fill_capabilities(options, info);
  if (const Status ok = fill_min_allocatable(options, info); !ok.ok()) return ok.error();
  std::vector<std::pair<std::string, std::string>> labels = options.labels;
  if (!options.disruption_budget.empty()) {
    labels.emplace_back(std::string(kDisruptionBudgetLabel), options.disruption_budget);
  }
  for (const auto& [key, value] : labels) {
    auto* label = info.mutable_labels()->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  auto facet = codec::read_framework(info, "options");
  if (facet.ok()) facet.value().id = FrameworkId(options.framework_id);
  return facet;
}

}  // namespace

Result<Description> description_of(const SchedulerOptions& options) {
  auto framework = framework_of(options);
  if (!framework.ok()) return framework.error();
  auto constraints = constraints_of(options);
  if (!constraints.ok()) return constraints.error();
  for (const std::string& role : options.suppressed_roles) {
    if (const Status own = check_role(role, "suppressed_roles", roles_of(options)); !own.ok()) {
      return own.error();
    }
  }
  return Description{std::move(framework).value(), options.suppressed_roles,
                     std::move(constraints).value()};
}

SchedulerOptions updated(const SchedulerOptions& began, SchedulerOptions changed) {
  changed.master = began.master;
  changed.credential_file = began.credential_file;
  changed.user = began.user;
  changed.principal = began.principal;
  changed.framework_id = began.framework_id;
  changed.acknowledge_implicitly = began.acknowledge_implicitly;
  return changed;
}

}  // namespace bourse::sdk
