// Demand: how many of which shapes a framework says that it wants (REQUEST), by role. It is what
// the framework says now, until it says otherwise or subscribes again. Values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/facets.hpp"

namespace bourse {

// What a task needs, or an executor and its tasks: on one agent, so many times.
struct DemandShape {
  Quantities amounts;  // at least one, each over 0; ranges and sets by how many they are
  std::uint32_t count = 1;
  AgentId agent_id;  // empty: on any

  bool operator==(const DemandShape&) const = default;
};

struct Demand {
  std::map<std::string, std::vector<DemandShape>> roles;

  bool operator==(const Demand&) const = default;
};
using DemandPtr = std::shared_ptr<const Demand>;  // null: none

// "2 cpus, 1024 mem".
std::string describe(const Quantities& amounts);
// "4 x {2 cpus, 1024 mem}", "1 x {1 cpus} on S3".
std::string describe(const DemandShape& shape);

// How many times `amounts` are in what `role` may have of these resources, at most shape.count.
std::uint32_t copies_in(const Resources& resources, const std::string& role,
                        const DemandShape& shape);
// Of a scalar its thousandths; of ranges and sets their count, in thousandths.
std::int64_t quantity_of(const Resource& resource);

}  // namespace bourse
