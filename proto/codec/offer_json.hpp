// Offers as JSON, without a message object: what a master sends most of to schedulers over HTTP.
// The bytes are those that the JSON writer makes of write_event(). Private to the codec; any
// thread.
#pragma once

#include <string>

#include "model/scheduler_event.hpp"

namespace bourse::codec {

// Appends a mesos.v1.scheduler.Event.
void write_offers_json(const event::Offers& offers, const Capabilities& capabilities,
                       std::string& out);

}  // namespace bourse::codec
