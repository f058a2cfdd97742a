// What frameworks say they want (REQUEST), and how much of it would fit now: an addition to
// GET_FRAMEWORKS (docs/operator-extensions.md). Private to the view; pure; the view's thread.
#pragma once

#include <string>
#include <vector>

#include "master/view/state.hpp"

namespace bourse::master {

// `"demands":[...]` of these frameworks (none: of all); empty if none of them wants anything. A
// shape fits in what is free on an agent, or on offer to its framework in its role. Each for
// itself: two of them may count on the same resources.
std::string demands_json(const ViewState& state, const std::vector<FrameworkId>& ids);

}  // namespace bourse::master
