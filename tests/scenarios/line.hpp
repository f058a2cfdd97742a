// A line of a scenario, taken apart.
#pragma once

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "tests/scenarios/world.hpp"

namespace bourse::master::scenario {

using Words = std::vector<std::string>;

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) out.push_back(part);
  return out;
}

struct Line {
  Words words;                               // objects, after the verb
  std::map<std::string, std::string> named;  // key=value

  std::string get(const std::string& key, const std::string& otherwise = "") const {
    const auto it = named.find(key);
    return it == named.end() ? otherwise : it->second;
  }
  bool has(const std::string& word) const {
    return std::find(words.begin(), words.end(), word) != words.end();
  }
  std::string rest(std::size_t from) const {
    std::string out;
    for (std::size_t i = from; i < words.size(); ++i) out += (i > from ? " " : "") + words[i];
    return out;
  }
};

inline Duration duration_of(const std::string& text) {
  const std::int64_t number = std::stoll(text);
  return text.ends_with("ms") ? Duration::milliseconds(number) : Duration::seconds(number);
}

// -- machine_verbs.cpp
// What an operator wants with agents and machines; false: it is something else.
bool operate_on_machines(World& world, const Line& line, RequestId request);
// As budget=max_away:1,of:3.
void set_budget(FakeFramework& framework, const Line& line);

}  // namespace bourse::master::scenario
