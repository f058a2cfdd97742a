#include "master/view/roles.hpp"

#include <set>

#include "master/view/answer_body.hpp"
#include "master/view/answers.hpp"
#include "proto/codec/json_object.hpp"

namespace bourse::master {

namespace {

using v1::master::Response;
using Amounts = std::map<std::string, double>;
using Json = codec::JsonObject;

struct Sums {
  std::set<std::string> frameworks;
  Resources allocated;
  Resources offered;
  Resources reserved;
};
using Roles = std::map<std::string, Sums>;

// The role and all above it, made where they are not there yet.
template <typename Add>
void at_and_above(Roles& roles, const std::string& role, Add add) {
  std::string name = role;
  while (true) {
    add(roles[name]);
    const std::size_t slash = name.rfind('/');
    if (slash == std::string::npos) return;
    name.resize(slash);
  }
}

void add_framework(const FrameworkRow& row, Roles& roles) {
  const auto mark = [&](const std::string& role) {
    at_and_above(roles, role, [](Sums&) {});
    roles[role].frameworks.insert(row.put.framework->id.raw());
  };
  for (const std::string& role : row.put.framework->roles) mark(role);
  for (const auto& [role, held] : row.used.by_role()) {
    if (role.empty()) continue;
    mark(role);
    at_and_above(roles, role, [&held = held](Sums& sums) { sums.allocated.add(held); });
  }
  for (const auto& [role, held] : row.offered.by_role()) {
    at_and_above(roles, role, [&held = held](Sums& sums) { sums.offered.add(held); });
  }
}

void add_reservations(const AgentRow& row, Roles& roles) {
  if (!is_visible(row.put.phase)) return;
  for (const Resource& resource : row.put.agent->total.list()) {
    if (!resource.is_reserved()) continue;
    at_and_above(roles, std::string(resource.role()),
                 [&](Sums& sums) { sums.reserved.add(resource); });
  }
}

double amount_of(const Resource& resource) {
  switch (resource.kind) {
    case Resource::Kind::scalar:
      return units(resource.scalar_milli) * resource.copies;
    case Resource::Kind::ranges:
      return static_cast<double>(resource.ranges.size());
    case Resource::Kind::set:
      return static_cast<double>(resource.items.size());
  }
  return 0;
}

Amounts amounts_of(const Resources& resources) {
  Amounts out;
  for (const Resource& resource : resources.list()) out[resource.name] += amount_of(resource);
  return out;
}

// As Mesos counts it: what is reserved, and of the rest what is used for good. Offers are apart.
Amounts consumed_by(const RoleRow& row) {
  Amounts out;
  const auto add = [&](const Resource& resource) {
    const bool counts = resource.kind == Resource::Kind::scalar && !resource.is_revocable();
    if (counts) out[resource.name] += amount_of(resource);
  };
  for (const Resource& resource : row.reserved.list()) add(resource);
  for (const Resource& resource : row.allocated.list()) {
    if (!resource.is_reserved()) add(resource);
  }
  return out;
}

Amounts amounts_of(const Quantities& quantities) {
  Amounts out;
  for (const auto& [name, milli] : quantities) out[name] = units(milli);
  return out;
}

double weight_of(const ViewState& state, const std::string& role) {
  const auto it = state.weights_milli().find(role);
  return it == state.weights_milli().end() ? 1.0 : units(it->second);
}

void write_amounts(const Amounts& amounts, std::string& out) {
  Json object(out);
  for (const auto& [what, value] : amounts) object.number(what, value);
  object.end();
}

void write_role(const ViewState& state, const RoleRow& row, std::string& out) {
  Json role(out);
  role.text("name", row.name);
  role.number("weight", weight_of(state, row.name));
  {
    const auto it = state.quotas().find(row.name);
    const Quota quota = it == state.quotas().end() ? Quota() : it->second;
    Json json(role.field("quota"));
    json.text("role", row.name);
    write_amounts(amounts_of(quota.guarantees), json.field("guarantee"));
    write_amounts(amounts_of(quota.limits), json.field("limit"));
    write_amounts(consumed_by(row), json.field("consumed"));
    json.end();
  }
  Resources handed_out = row.allocated;
  handed_out.add(row.offered);
  write_amounts(amounts_of(handed_out), role.field("resources"));
  write_amounts(amounts_of(row.allocated), role.field("allocated"));
  write_amounts(amounts_of(row.offered), role.field("offered"));
  write_amounts(amounts_of(row.reserved), role.field("reserved"));
  std::string& ids = role.field("frameworks");
  ids += '[';
  for (const FrameworkId& id : row.frameworks) {
    if (ids.back() != '[') ids += ',';
    codec::write_json_string(id.raw(), ids);
  }
  ids += ']';
  role.end();
}

void fill_quotas(const ViewState& state, v1::quota::QuotaStatus& out) {
  for (const auto& [role, quota] : state.quotas()) {
    auto& info = *out.add_infos();
    info.set_role(role);
    std::vector<Resource> guarantee;
    auto& config = *out.add_configs();
    config.set_role(role);
    for (const auto& [name, milli] : quota.guarantees) {
      guarantee.push_back(Resource::scalar(name, milli));
      (*config.mutable_guarantees())[name].set_value(units(milli));
    }
    for (const auto& [name, milli] : quota.limits) {
      (*config.mutable_limits())[name].set_value(units(milli));
    }
    codec::write_resources(Resources(guarantee), {false, {}}, *info.mutable_guarantee());
  }
}

// Of each role with a quota, what it has consumed of it: Mesos' own answer leaves that out.
std::string consumptions_json(const ViewState& state) {
  if (state.quotas().empty()) return {};
  std::string out = "\"consumptions\":[";
  for (const RoleRow& row : role_rows(state)) {
    if (!state.quotas().contains(row.name)) continue;
    if (out.back() != '[') out += ',';
    Json json(out);
    json.text("role", row.name);
    write_amounts(consumed_by(row), json.field("consumed"));
    json.end();
  }
  return out + "]";
}

void fill_weights(const ViewState& state, Response::GetWeights& out) {
  for (const auto& [role, weight_milli] : state.weights_milli()) {
    auto& info = *out.add_weight_infos();
    info.set_role(role);
    info.set_weight(units(weight_milli));
  }
}

}  // namespace

std::vector<RoleRow> role_rows(const ViewState& state) {
  Roles roles;
  for (const auto& [id, row] : state.frameworks()) add_framework(row, roles);
  for (const auto& [id, row] : state.agents()) add_reservations(row, roles);
  for (const auto& [role, weight] : state.weights_milli()) at_and_above(roles, role, [](Sums&) {});
  for (const auto& [role, quota] : state.quotas()) at_and_above(roles, role, [](Sums&) {});
  std::vector<RoleRow> out;
  for (auto& [name, sums] : roles) {
    RoleRow& row = out.emplace_back();
    row.name = name;
    for (const std::string& id : sums.frameworks) row.frameworks.emplace_back(id);
    row.allocated = std::move(sums.allocated);
    row.offered = std::move(sums.offered);
    row.reserved = std::move(sums.reserved);
  }
  return out;
}

std::string answer_roles(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_ROLES);
  auto& roles = *response.mutable_get_roles();
  for (const RoleRow& row : role_rows(state)) {
    auto& out = *roles.add_roles();
    out.set_name(row.name);
    out.set_weight(weight_of(state, row.name));
    for (const FrameworkId& id : row.frameworks) out.add_frameworks()->set_value(id.raw());
    Resources handed_out = row.allocated;
    handed_out.add(row.offered);
    std::map<std::string, std::int64_t> scalars;
    for (const Resource& resource : handed_out.list()) {
      if (resource.kind != Resource::Kind::scalar) continue;
      scalars[resource.name] += resource.scalar_milli * resource.copies;
    }
    for (const auto& [name, milli] : scalars) {
      auto& sum = *out.add_resources();
      sum.set_name(name);
      sum.set_type(v1::Value::SCALAR);
      sum.mutable_scalar()->set_value(units(milli));
    }
  }
  return body_of(response, encoding, state.sequence());
}

std::string answer_weights(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_WEIGHTS);
  // Without weights Mesos leaves the field out.
  if (!state.weights_milli().empty()) fill_weights(state, *response.mutable_get_weights());
  return body_of(response, encoding, state.sequence());
}

// In both forms: the older one knows guarantees only.
std::string answer_quotas(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_QUOTA);
  fill_quotas(state, *response.mutable_get_quota()->mutable_status());
  std::string body = body_of(response, encoding, state.sequence());
  if (encoding == codec::Encoding::json) insert_in_lists(body, consumptions_json(state));
  return body;
}

std::string roles_json(const ViewState& state) {
  std::string out = "{\"roles\":[";
  for (const RoleRow& row : role_rows(state)) {
    if (out.back() != '[') out += ',';
    write_role(state, row, out);
  }
  return out + "]}";
}

std::string quotas_json(const ViewState& state) {
  v1::quota::QuotaStatus status;
  fill_quotas(state, status);
  return codec::to_json(status);
}

std::string weights_json(const ViewState& state) {
  Response::GetWeights weights;
  fill_weights(state, weights);
  std::string out = "[";
  for (const auto& info : weights.weight_infos()) {
    if (out.back() != '[') out += ',';
    out += codec::to_json(info);
  }
  return out + "]";
}

}  // namespace bourse::master
