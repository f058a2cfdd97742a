// Events of a master core as bytes: what a recording is made of. The form is stable: an alternative
// keeps its number, messages of agents and frameworks stand in it as they travel, and the registry
// as the commands that make it; so a later build reads what an earlier one recorded. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "master/core/event.hpp"

namespace bourse::master {

// Appends to `out`. too_large: a message that no transport would carry.
Status encode_event(const Event& event, std::string& out);
Result<Event> decode_event(std::string_view bytes);

}  // namespace bourse::master
