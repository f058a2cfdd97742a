#include "model/offer_constraints.hpp"

#include <algorithm>

namespace bourse {

namespace {

using Test = AttributeConstraint::Test;

bool text_passes(const AttributeConstraint& constraint, const std::string& text) {
  switch (constraint.test) {
    case Test::exists:
      return true;
    case Test::not_exists:
      return false;
    case Test::equals:
      return text == constraint.text;
    case Test::not_equals:
      return text != constraint.text;
    case Test::matches:
      return constraint.pattern.matches(text);
    case Test::not_matches:
      return !constraint.pattern.matches(text);
  }
  return false;
}

bool absence_passes(Test test) {
  return test == Test::not_exists || test == Test::not_equals || test == Test::not_matches;
}

}  // namespace

std::string describe(const AttributeConstraint& constraint) {
  std::string out;
  switch (constraint.of) {
    case AttributeConstraint::Of::attribute:
      out = "attribute '" + constraint.name + "'";
      break;
    case AttributeConstraint::Of::hostname:
      out = "hostname";
      break;
    case AttributeConstraint::Of::region:
      out = "region";
      break;
    case AttributeConstraint::Of::zone:
      out = "zone";
      break;
  }
  switch (constraint.test) {
    case Test::exists:
      return out + " exists";
    case Test::not_exists:
      return out + " does not exist";
    case Test::equals:
      return out + " equals '" + constraint.text + "'";
    case Test::not_equals:
      return out + " does not equal '" + constraint.text + "'";
    case Test::matches:
      return out + " matches '" + constraint.text + "'";
    case Test::not_matches:
      return out + " does not match '" + constraint.text + "'";
  }
  return out;
}

bool passes(const AgentFacet& agent, const AttributeConstraint& constraint) {
  using Of = AttributeConstraint::Of;
  if (constraint.of == Of::hostname) return text_passes(constraint, agent.hostname);
  if (constraint.of != Of::attribute) {
    if (agent.domain.region.empty()) return absence_passes(constraint.test);
    return text_passes(constraint,
                       constraint.of == Of::region ? agent.domain.region : agent.domain.zone);
  }
  const auto found =
      std::find_if(agent.attributes.begin(), agent.attributes.end(),
                   [&](const Attribute& one) { return one.name == constraint.name; });
  if (found == agent.attributes.end()) return absence_passes(constraint.test);
  if (found->kind == Attribute::Kind::text) return text_passes(constraint, found->text);
  return constraint.test != Test::not_exists;
}

bool passes(const AgentFacet& agent, const std::vector<ConstraintGroup>& groups) {
  return std::any_of(groups.begin(), groups.end(), [&](const ConstraintGroup& group) {
    return std::all_of(group.begin(), group.end(), [&](const AttributeConstraint& constraint) {
      return passes(agent, constraint);
    });
  });
}

}  // namespace bourse
