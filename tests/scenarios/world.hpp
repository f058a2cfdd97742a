// The world of one scenario: the harness of the unit tests, names instead of numbers, and a
// transcript of what everybody was sent, one line for each effect.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/master/core/harness.hpp"

namespace bourse::master::scenario {

using test::FakeAgent;
using test::FakeFramework;

struct World {
  World();

  test::Harness harness;
  std::ostringstream out;
  std::map<std::string, FakeAgent*> agents;
  std::map<std::string, FakeFramework*> frameworks;
  std::map<PeerId, std::string> names;    // of connections, also of those that are gone
  std::map<std::string, Uuid> last_uuid;  // by task
  std::uint64_t uuids = 0;
  std::size_t persists_seen = 0;
  std::size_t changes_seen = 0;

  void name_connections();
};

// -- render.cpp
std::string render(const World& world, const Effect& effect);
std::string render(const Change& change);
std::string render(const Note& note);

// -- verbs.cpp
// Runs one line; what it caused is in world.out. Returns an error about the line itself, or "".
std::string run_line(World& world, const std::string& line);

}  // namespace bourse::master::scenario
