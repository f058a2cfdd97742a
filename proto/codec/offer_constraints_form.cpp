#include "proto/codec/offer_constraints_form.hpp"

#include "model/limits.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/offer_constraints.pb.h"

namespace bourse::codec {

namespace scheduler_v1 = mesos::v1::scheduler;

namespace {

using Of = AttributeConstraint::Of;
using Test = AttributeConstraint::Test;

Error lacks(const FieldPath& at, const char* choices) {
  return invalid("'" + at.text() + "' says nothing: it must be one of " + choices);
}

Status read_selector(const scheduler_v1::AttributeConstraint::Selector& message,
                     const FieldPath& at, AttributeConstraint& out) {
  using Selector = scheduler_v1::AttributeConstraint::Selector;
  if (message.selector_case() == Selector::kAttributeName) {
    out.name = message.attribute_name();
    return check_text(out.name, limits::kMaxNameBytes, at.at("attribute_name"));
  }
  switch (message.pseudoattribute_type()) {
    case Selector::HOSTNAME:
      out.of = Of::hostname;
      return {};
    case Selector::REGION:
      out.of = Of::region;
      return {};
    case Selector::ZONE:
      out.of = Of::zone;
      return {};
    default:
      return lacks(at, "attribute_name and pseudoattribute_type (HOSTNAME, REGION or ZONE)");
  }
}

Status read_predicate(const scheduler_v1::AttributeConstraint::Predicate& message,
                      const FieldPath& at, AttributeConstraint& out) {
  using Predicate = scheduler_v1::AttributeConstraint::Predicate;
  const auto with_text = [&](Test test, const std::string& text, const char* name) -> Status {
    out.test = test;
    out.text = text;
    const FieldPath here = at.at(name);
    return check_text(text, limits::kMaxConstraintTextBytes, here);
  };
  switch (message.predicate_case()) {
    case Predicate::kExists:
      out.test = Test::exists;
      return {};
    case Predicate::kNotExists:
      out.test = Test::not_exists;
      return {};
    case Predicate::kTextEquals:
      return with_text(Test::equals, message.text_equals().value(), "text_equals");
    case Predicate::kTextNotEquals:
      return with_text(Test::not_equals, message.text_not_equals().value(), "text_not_equals");
    case Predicate::kTextMatches:
      return with_text(Test::matches, message.text_matches().regex(), "text_matches");
    case Predicate::kTextNotMatches:
      return with_text(Test::not_matches, message.text_not_matches().regex(), "text_not_matches");
    case Predicate::PREDICATE_NOT_SET:
      break;
  }
  return lacks(at,
               "exists, not_exists, text_equals, text_not_equals, text_matches, text_not_matches");
}

Result<ConstraintGroup> read_group(
    const scheduler_v1::OfferConstraints::RoleConstraints::Group& message, const FieldPath& at) {
  if (message.attribute_constraints().empty()) {
    return invalid("'" + at.text() +
                   ".attribute_constraints' is empty: a group without any says "
                   "nothing");
  }
  ConstraintGroup out;
  for (int i = 0; i < message.attribute_constraints_size(); ++i) {
    const FieldPath here = at.at("attribute_constraints", i);
    AttributeConstraint& made = out.emplace_back();
    const scheduler_v1::AttributeConstraint& constraint = message.attribute_constraints(i);
    if (Status ok = read_selector(constraint.selector(), here.at("selector"), made); !ok) {
      return ok.error();
    }
    if (Status ok = read_predicate(constraint.predicate(), here.at("predicate"), made); !ok) {
      return ok.error();
    }
  }
  return out;
}

void write_constraint(const AttributeConstraint& in, scheduler_v1::AttributeConstraint& out) {
  using Selector = scheduler_v1::AttributeConstraint::Selector;
  if (in.of == Of::attribute) {
    out.mutable_selector()->set_attribute_name(in.name);
  } else {
    out.mutable_selector()->set_pseudoattribute_type(
        static_cast<Selector::PseudoattributeType>(in.of));
  }
  scheduler_v1::AttributeConstraint::Predicate& predicate = *out.mutable_predicate();
  switch (in.test) {
    case Test::exists:
      predicate.mutable_exists();
      return;
    case Test::not_exists:
      predicate.mutable_not_exists();
      return;
    case Test::equals:
      predicate.mutable_text_equals()->set_value(in.text);
      return;
    case Test::not_equals:
      predicate.mutable_text_not_equals()->set_value(in.text);
      return;
    case Test::matches:
      predicate.mutable_text_matches()->set_regex(in.text);
      return;
    case Test::not_matches:
      predicate.mutable_text_not_matches()->set_regex(in.text);
      return;
  }
}

}  // namespace

Result<OfferConstraintsPtr> read_offer_constraints(const scheduler_v1::OfferConstraints& message,
                                                   const FieldPath& at) {
  if (message.role_constraints().empty()) return OfferConstraintsPtr();
  auto out = std::make_shared<OfferConstraints>();
  std::size_t count = 0;
  for (const auto& [role, constraints] : message.role_constraints()) {
    const FieldPath here = at.at("role_constraints");
    if (Status ok = check_role(role, here); !ok) return ok.error();
    if (constraints.groups().empty()) {
      return invalid("'" + here.text() + "." + role +
                     ".groups' is empty: a role that has no constraints is left out");
    }
    std::vector<ConstraintGroup>& groups = out->roles[role];
    const FieldPath its_role = here.at(role);
    for (int i = 0; i < constraints.groups_size(); ++i) {
      Result<ConstraintGroup> group = read_group(constraints.groups(i), its_role.at("groups", i));
      if (!group) return group.error();
      count += group->size();
      if (count > limits::kMaxOfferConstraints) {
        return invalid("'" + at.text() + "' has more than " +
                       std::to_string(limits::kMaxOfferConstraints) + " attribute constraints");
      }
      groups.push_back(std::move(*group));
    }
  }
  return OfferConstraintsPtr(std::move(out));
}

void write_offer_constraints(const OfferConstraints& constraints,
                             scheduler_v1::OfferConstraints& out) {
  for (const auto& [role, groups] : constraints.roles) {
    scheduler_v1::OfferConstraints::RoleConstraints& made = (*out.mutable_role_constraints())[role];
    for (const ConstraintGroup& group : groups) {
      auto& list = *made.add_groups()->mutable_attribute_constraints();
      for (const AttributeConstraint& constraint : group) write_constraint(constraint, *list.Add());
    }
  }
}

}  // namespace bourse::codec
