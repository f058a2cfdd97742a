#include "master/view/answers.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::master {

namespace {

namespace extension = operator_extension;

template <typename List>
void write_numbers(const std::vector<Explanation::Number>& numbers, List& out) {
  for (const auto& [name, value] : numbers) {
    auto& number = *out.Add();
    number.set_name(name);
    number.set_value(value);
  }
}

void write_role(const Explanation::Role& role, extension::Explanation::Role& out) {
  out.set_role(role.name);
  out.set_share(static_cast<double>(role.share_ppm) / 1e6);
  out.set_role_share(static_cast<double>(role.role_share_ppm) / 1e6);
  out.set_rank(role.rank);
  out.set_of(role.of);
  if (!role.rule.empty()) out.set_rule(role.rule);
  if (!role.change.empty()) out.set_change(role.change);
  if (role.looked_at < role.agents_in_all) {
    out.set_looked_at(role.looked_at);
    out.set_agents_in_all(role.agents_in_all);
  }
  for (const Explanation::Agents& agents : role.agents) {
    extension::Explanation::Agents& made = *out.add_agents();
    made.set_kind(agents.kind);
    made.set_rule(agents.rule);
    made.set_count(agents.count);
    made.mutable_example()->set_value(agents.example.raw());
    write_numbers(agents.numbers, *made.mutable_numbers());
    if (!agents.change.empty()) made.set_change(agents.change);
  }
  write_numbers(role.refused, *out.mutable_refused());
  for (const Explanation::Wanted& wanted : role.wanted) {
    extension::Explanation::Wanted& made = *out.add_wanted();
    made.set_shape(wanted.shape);
    made.set_count(wanted.count);
    made.set_offered(wanted.offered);
    made.set_fits(wanted.fits);
    write_numbers(wanted.numbers, *made.mutable_numbers());
  }
}

}  // namespace

std::string answer_explanation(const ViewState& state, const FrameworkId& framework_id) {
  const auto explanation = state.explanation(framework_id);
  if (explanation == nullptr) return {};
  extension::Response response;
  response.set_type("EXPLAIN_FRAMEWORK");
  response.set_sequence(state.sequence());
  extension::Explanation& out = *response.mutable_explain_framework();
  out.mutable_framework_id()->set_value(framework_id.raw());
  out.mutable_time()->set_nanoseconds(explanation->at.ns);
  for (const Explanation::Role& role : explanation->roles) write_role(role, *out.add_roles());
  return codec::to_json(response);
}

}  // namespace bourse::master
