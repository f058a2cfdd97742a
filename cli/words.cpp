#include "cli/words.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace bourse::cli {

namespace {

struct Shared {
  std::string_view flag;
  bool has_value;
};
constexpr std::array<Shared, 4> kShared = {{
    {"--master", true},
    {"--service", true},
    {"--credential", true},
    {"--json", false},
}};
// Asked instead of a command.
constexpr std::array<std::string_view, 3> kInstead = {"--version", "--help", "-h"};

}  // namespace

Result<Spoken> spoken(const std::vector<std::string>& words) {
  std::vector<std::string> before;
  auto word = words.begin();
  for (; word != words.end() && word->starts_with("-"); ++word) {
    if (std::find(kInstead.begin(), kInstead.end(), *word) != kInstead.end()) break;
    const std::string_view name = std::string_view(*word).substr(0, word->find('='));
    const auto shared = std::find_if(kShared.begin(), kShared.end(),
                                     [&](const Shared& one) { return one.flag == name; });
    if (shared == kShared.end()) {
      return invalid("'" + *word +
                     "' stands before the command; only --master, --service, --credential and "
                     "--json may: bourse COMMAND " +
                     *word);
    }
    before.push_back(*word);
    const bool apart = shared->has_value && name.size() == word->size();
    if (apart && word + 1 != words.end()) before.push_back(*++word);
  }
  if (word == words.end()) return Spoken{};
  Spoken out{*word, {word + 1, words.end()}};
  out.arguments.insert(std::find(out.arguments.begin(), out.arguments.end(), "--"), before.begin(),
                       before.end());
  return out;
}

}  // namespace bourse::cli
