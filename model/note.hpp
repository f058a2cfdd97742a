// Note: what a core wants an operator to read, as data. A shell turns it into a log line; a core
// never formats or logs. Fields are name and value, in order. Value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bourse {

struct Note {
  enum class Level : std::uint8_t { debug, info, warning, error };

  Level level = Level::info;
  std::string code;  // stable, dotted: "agent.unreachable"
  std::vector<std::pair<std::string, std::string>> fields;
};

}  // namespace bourse
