#include "proto/codec/json.hpp"

#include "fuzz.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/agent_response.pb.h"
#include "proto/v1/master_call.pb.h"
#include "proto/v1/master_response.pb.h"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/scheduler_event.pb.h"

namespace {

// What was read must be written as text that reads as the same.
template <typename Message>
void round_trip(std::string_view text) {
  Message message, again;
  if (!bourse::codec::from_json(text, message).ok()) return;
  const std::string written = bourse::codec::to_json(message);
  bourse::codec::JsonLimits wide;
  wide.bytes = written.size();
  fuzz::must(bourse::codec::from_json(written, again, wide).ok());
  fuzz::must(bourse::codec::to_json(again) == written);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  round_trip<mesos::v1::scheduler::Call>(text);
  round_trip<mesos::v1::scheduler::Event>(text);
  round_trip<mesos::v1::master::Call>(text);
  round_trip<mesos::v1::master::Response>(text);
  round_trip<mesos::v1::agent::Call>(text);
  round_trip<mesos::v1::agent::Response>(text);
  return 0;
}
