// Which command the words of a command line mean. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace bourse::cli {

struct Spoken {
  std::string command;                 // "" when there is none
  std::vector<std::string> arguments;  // what is for it
};

// Flags that every command has may stand before its name: they are moved behind its own words, and
// before a "--", from which on words are for somebody else. Any other flag there is refused.
Result<Spoken> spoken(const std::vector<std::string>& words);

}  // namespace bourse::cli
