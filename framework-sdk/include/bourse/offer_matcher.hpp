// The offer matcher: which of these tasks go onto which of these offers? A pure function, so it can
// be tested and called from anywhere. For most schedulers this is all the placement they need.
//
//   auto plan = match(wanted, offers, {.strategy = Strategy::spread});
//   for (const Placement& p : plan.placements) driver.launch(p.offer_ids, p.tasks);
//   driver.decline(plan.unused_offer_ids);
//
// Ports: a shape asks for a count (Shape::ports); the matcher picks free numbers from the offer and
// writes them into the task's resources and into its command's environment as PORT0, PORT1, ...
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bourse/types.hpp"

namespace bourse::sdk {

// What an agent must have, or how tasks of a group spread over the values of an attribute.
struct Constraint {
  enum class Kind : std::uint8_t {
    equals,      // attribute has this value
    not_equals,  // attribute has another value or is absent
    exists,      // attribute is there
    unique,      // no two tasks of this group share the attribute's value
    max_per,     // at most `count` tasks of this group share it
  };
  // "hostname", "region" and "zone" name what their words say; all else an agent attribute.
  std::string attribute = {};
  Kind kind = Kind::equals;
  std::string value = {};
  std::uint32_t count = 1;
};

// One task to place. Its resources.ports are left empty; `ports` says how many it needs.
struct Shape {
  TaskSpec task = {};
  std::uint32_t ports = 0;
  std::string group = {};  // for unique and max_per; tasks already running count through `occupied`
  std::vector<Constraint> constraints = {};
};

// Which of the agents that would do is taken.
enum class Strategy : std::uint8_t {
  best_fit,  // fill the fullest offer that still fits: leaves whole machines free
  spread,    // the emptiest first: the loss of one machine costs least
};

// Where tasks of a group run already.
struct Occupied {
  std::string group = {};
  std::string attribute = {};
  std::string value = {};
  std::uint32_t count = 1;
};

// How to choose, and what is to be reckoned with.
struct MatchOptions {
  Strategy strategy = Strategy::best_fit;
  std::vector<Occupied> occupied = {};
};

// What goes onto one agent.
struct Placement {
  std::string agent_id = {};
  std::vector<std::string> offer_ids = {};  // all offers of that agent, to be used together
  std::vector<TaskSpec> tasks = {};         // with ports chosen
};

// Why a task found no place: the rule that ruled out most offers, with a sentence.
struct Unplaced {
  std::string task_id = {};
  std::string reason = {};
};

// The answer: what goes where, which offers are left over, what found no place.
struct Plan {
  std::vector<Placement> placements = {};
  std::vector<std::string> unused_offer_ids = {};
  std::vector<Unplaced> unplaced = {};
};

// Places the shapes in their order, each on at most one agent. Deterministic: ties go to the agent
// with the smaller id.
Plan match(const std::vector<Shape>& shapes, const std::vector<Offer>& offers,
           const MatchOptions& options = {});

}  // namespace bourse::sdk
