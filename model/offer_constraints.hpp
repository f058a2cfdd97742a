// OfferConstraints: what the attributes of an agent must be for it to be offered to a framework, by
// role (mesos.v1.scheduler.OfferConstraints). An agent passes if it passes any of a role's groups,
// and a group if it passes all of it. Values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/pattern.hpp"
#include "model/facets.hpp"

namespace bourse {

struct AttributeConstraint {
  enum class Of : std::uint8_t { attribute = 0, hostname = 1, region = 2, zone = 3 };
  enum class Test : std::uint8_t {
    exists = 1,
    not_exists = 2,
    equals = 3,
    not_equals = 4,
    matches = 5,
    not_matches = 6,
  };

  Of of = Of::attribute;
  std::string name;  // of the attribute
  Test test = Test::exists;
  std::string text;  // to be equal to, or the pattern
  Pattern pattern;   // once compile() has been called
};

using ConstraintGroup = std::vector<AttributeConstraint>;

struct OfferConstraints {
  std::map<std::string, std::vector<ConstraintGroup>> roles;
};
using OfferConstraintsPtr = std::shared_ptr<const OfferConstraints>;  // null: none

// As Mesos' defaults, so that what it takes is taken here.
inline constexpr Pattern::Bounds kConstraintPatternBounds{4096, 100};

// "zone equals 'a'".
std::string describe(const AttributeConstraint& constraint);

// A text that is looked for in what is no text (a scalar, ranges, a set) is passed, whatever it is:
// the framework judges such values itself. Of several attributes of one name the first counts.
// REQUIRES compiled patterns; others match nothing.
bool passes(const AgentFacet& agent, const AttributeConstraint& constraint);
bool passes(const AgentFacet& agent, const std::vector<ConstraintGroup>& groups);

}  // namespace bourse
