// Which Host and Origin a server answers to: the defence against DNS rebinding and against foreign
// web pages that call us from an operator's browser. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bourse::runtime {

// True for IP addresses (a rebound name is never one), "localhost", "*.localhost" and the listed
// names; a port is ignored.
bool host_allowed(std::string_view host_header, const std::vector<std::string>& allowed);
// True if the page came from the very host it calls, or from a listed origin. "null" is refused.
bool origin_allowed(std::string_view origin, std::string_view host_header,
                    const std::vector<std::string>& allowed);

}  // namespace bourse::runtime
