// Quotas by operators: checked against those stored and those under way, written as one, and in
// force from then on. Offers that are in their way are taken back.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

void put(std::map<std::string, Quota>& quotas, const RoleQuota& one) {
  if (one.quota.empty()) {
    quotas.erase(one.role);
  } else {
    quotas[one.role] = one.quota;
  }
}

}  // namespace

void on_update_quota(Context& c, const FromOperator& event, const operation::UpdateQuota& call) {
  for (const RoleQuota& one : call.quotas) {
    if (const Status allowed = authorize(event.principal, Action::update_quota, one.role);
        !allowed.ok()) {
      return c.answer(event.request, allowed);
    }
  }
  begin_counting(c);
  std::map<std::string, Quota> next = c.state.quotas_wanted;
  for (const RoleQuota& one : call.quotas) put(next, one);
  if (auto wrong = validate_quotas(c, call, next)) {
    PROBE("master.quota_refused");
    return c.answer(event.request, std::move(*wrong));
  }
  c.state.quotas_wanted = std::move(next);
  persist(c, registry::SetQuotas{call.quotas}, pending::Quotas{event.request, call.quotas});
}

void on_quotas_stored(Context& c, const pending::Quotas& write) {
  for (const RoleQuota& one : write.quotas) {
    set_role_quota(c, one.role, one.quota);
    c.publish(change::QuotaSet{one.role, one.quota});
    c.note(Note::Level::info, "quota.set", {{"role", one.role}});
  }
  c.state.allocation.quotas.settle(c.state.allocation.tree);
  rescind_for_quotas(c);
  touch_all_rooms(c);
  c.answer(write.request, {});
}

void on_quotas_rejected(Context& c, const pending::Quotas& write, const std::string& reason) {
  c.state.quotas_wanted = c.state.quotas;
  for (const auto& [id, what] : c.state.writes) {
    const auto* later = std::get_if<pending::Quotas>(&what);
    if (later == nullptr) continue;
    for (const RoleQuota& one : later->quotas) put(c.state.quotas_wanted, one);
  }
  c.answer(write.request, Error{ErrorCode::full, "quota of role '" + write.quotas.front().role +
                                                     "' was not stored: " + reason});
}

void recover_quotas(Context& c, const std::map<std::string, Quota>& quotas) {
  if (quotas.empty()) return;
  begin_counting(c);
  for (const auto& [role, quota] : quotas) {
    set_role_quota(c, role, quota);
    c.publish(change::QuotaSet{role, quota});
  }
  c.state.quotas_wanted = c.state.quotas;
  c.state.allocation.quotas.settle(c.state.allocation.tree);
}

}  // namespace bourse::master
