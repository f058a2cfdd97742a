// Forms as pages and older tools post them (application/x-www-form-urlencoded). Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::runtime {

// More fields than any form of ours has are refused.
inline constexpr std::size_t kMaxFormFields = 100;

// "a=1&b=%7B%7D" as names and values; of equal names the last counts. What is not escaped is taken
// as it stands, for clients post JSON so. Error: a bad escape, too many fields.
Result<std::map<std::string, std::string>> parse_form(std::string_view body);

}  // namespace bourse::runtime
