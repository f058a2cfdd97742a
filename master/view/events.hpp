// Changes as events of the operator API's SUBSCRIBE stream. Private to this room; pure.
#pragma once

#include <optional>
#include <string>

#include "master/view/query.hpp"
#include "master/view/state.hpp"

namespace bourse::master {

// The event that a subscriber with this query sees for the change; nullopt: none.
std::optional<std::string> event_record(const ViewState& state, const Change& change,
                                        ViewState::Applied applied, const SubscribeQuery& query,
                                        codec::Encoding encoding);
std::string subscribed_record(const ViewState& state, const SubscribeQuery& query, bool resumed,
                              codec::Encoding encoding);
std::string heartbeat_record(std::uint64_t sequence, codec::Encoding encoding);

}  // namespace bourse::master
