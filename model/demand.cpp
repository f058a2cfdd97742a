#include "model/demand.hpp"

#include <algorithm>

namespace bourse {

namespace {

constexpr std::int64_t kMostQuantity = std::int64_t{1} << 60;

}  // namespace

std::string describe(const Quantities& amounts) {
  std::string out;
  for (const auto& [name, milli] : amounts) {
    out += (out.empty() ? "" : ", ") + milli_text(milli) + " " + name;
  }
  return out;
}

std::string describe(const DemandShape& shape) {
  std::string out = std::to_string(shape.count) + " x {" + describe(shape.amounts) + "}";
  if (!shape.agent_id.empty()) out += " on " + shape.agent_id.raw();
  return out;
}

std::uint32_t copies_in(const Resources& resources, const std::string& role,
                        const DemandShape& shape) {
  std::int64_t copies = shape.count;
  for (const auto& [name, milli] : shape.amounts) {
    std::int64_t there = 0;
    for (const Resource& resource : resources.list()) {
      if (resource.name != name || !role_may_use(role, resource.role())) continue;
      there = std::min(there + quantity_of(resource), kMostQuantity);
    }
    copies = std::min(copies, there / milli);
  }
  return static_cast<std::uint32_t>(copies);
}

std::int64_t quantity_of(const Resource& resource) {
  const auto count = [](std::uint64_t n) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(n, kMostQuantity / 1000)) * 1000;
  };
  switch (resource.kind) {
    case Resource::Kind::scalar:
      return std::clamp<std::int64_t>(resource.scalar_milli, 0, kMostQuantity);
    case Resource::Kind::ranges:
      return count(resource.ranges.size());
    case Resource::Kind::set:
      return count(resource.items.size());
  }
  return 0;
}

}  // namespace bourse
