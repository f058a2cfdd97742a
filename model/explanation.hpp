// Explanation: why a framework is offered what it is, and no more: for each of its roles, and each
// kind of agent, the first rule that stands in the way, in numbers. Value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"

namespace bourse {

struct Explanation {
  using Number = std::pair<std::string, std::string>;  // its name, and what it is
  // Agents of one kind that one rule keeps from the framework.
  struct Agents {
    std::string kind;  // "4 cpus, 2048 mem, rack=r1"; "others" beyond kMaxExplainedKinds
    std::string rule;  // "offered": none does
    std::uint64_t count = 0;
    AgentId example;              // of them the one that the numbers are of: the nearest
    std::vector<Number> numbers;  // what stands in the way there
    std::string change;           // the smallest that would help; empty: nothing to be done
  };
  // A shape of what the framework says it wants.
  struct Wanted {
    std::string shape;  // "4 x {2 cpus, 1024 mem}"
    std::uint64_t count = 0;
    std::uint64_t offered = 0;    // of them, that what is on offer to it meets
    std::uint64_t fits = 0;       // of the rest, that what is free would hold
    std::vector<Number> numbers;  // the most that is free on one agent, where none would
  };
  struct Role {
    std::string name;
    std::int64_t share_ppm = 0;  // the framework's in this role, of the resource it has most of
    std::uint64_t rank = 0;      // among the `of` claims of all frameworks and roles; 1: next
    std::uint64_t of = 0;
    std::int64_t role_share_ppm = 0;  // of all that is charged to the role and below it
    std::string rule;                 // what keeps the whole role from offers; empty: nothing
    std::string change;
    std::uint64_t looked_at = 0;      // agents that the rows below are of, and `wanted`
    std::uint64_t agents_in_all = 0;  // more: only each so-manieth was looked at
    std::vector<Agents> agents;       // most agents first
    std::vector<Number> refused;      // by reason: how often since it subscribed
    std::vector<Wanted> wanted;       // empty: it does not say what it wants
  };

  FrameworkId framework_id;
  WallTime at;
  std::vector<Role> roles;
};

}  // namespace bourse
