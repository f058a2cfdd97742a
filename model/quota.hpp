// Quota: what a role and all below it are guaranteed, and what they may consume at most, of named
// scalars in thousandths. A name without a limit has none. Values, pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/facets.hpp"

namespace bourse {

struct Quota {
  Quantities guarantees;
  Quantities limits;

  bool empty() const { return guarantees.empty() && limits.empty(); }
  bool operator==(const Quota&) const = default;
};

struct RoleQuota {
  std::string role;
  Quota quota;  // empty: it has none any more

  bool operator==(const RoleQuota&) const = default;
};

struct RoleWeight {
  std::string role;
  std::int64_t weight_milli = 1000;

  bool operator==(const RoleWeight&) const = default;
};

}  // namespace bourse
