// The public scheduler API: bytes <-> SchedulerCall and SchedulerEvent, in protobuf and JSON.
//
// Decoding a call validates the whole message (shape, sizes, names, resources) and refuses it with
// the sentence an HTTP client gets as a 400; descriptions come out as facets with canonical blobs.
// What the call asks for is judged by the master core. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/scheduler_call.hpp"
#include "model/scheduler_event.hpp"
#include "proto/codec/encoding.hpp"

namespace bourse::codec {

// The leading master as SUBSCRIBED names it (mesos.v1.MasterInfo).
struct MasterDescription {
  std::string id;
  std::string hostname;
  std::string ip;  // dotted IPv4
  std::uint16_t port = 5050;
  std::string version;
  Domain domain;
};

// How events are shaped for one framework: the newer its capabilities, the newer the form.
struct EventShape {
  Capabilities capabilities;
  const MasterDescription* master = nullptr;  // for SUBSCRIBED; null: left out
};

// master side
// `denied`: the call is well-formed, and its framework may not subscribe as it describes itself.
Result<SchedulerCall> decode_scheduler_call(Encoding encoding, std::string_view body);
std::string encode_scheduler_event(Encoding encoding, const SchedulerEvent& event,
                                   const EventShape& shape);

// framework side
std::string encode_scheduler_call(Encoding encoding, const SchedulerCall& call);
Result<SchedulerEvent> decode_scheduler_event(Encoding encoding, std::string_view body);

}  // namespace bourse::codec
