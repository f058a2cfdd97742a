// Offers as wire bytes, without a message object: what a master sends most of in a full cycle. The
// bytes are those that protobuf makes of write_event(). Private to the codec; any thread.
#pragma once

#include "model/link_session.hpp"
#include "model/scheduler_event.hpp"
#include "proto/codec/wire_writer.hpp"

namespace bourse::codec {

// The fields of a mesos.v1.scheduler.Event.
void write_offers_wire(const event::Offers& offers, const Capabilities& capabilities,
                       WireWriter& out);

}  // namespace bourse::codec
