#include "proto/codec/scheduler.hpp"

#include "proto/codec/body.hpp"
#include "proto/codec/canonical.hpp"
#include "proto/codec/offer_json.hpp"
#include "proto/codec/publish_form.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/scheduler_event.pb.h"

namespace bourse::codec {

namespace {

// Events come from a master and may carry many offers.
constexpr std::size_t kMaxEventBytes = limits::kMaxRecordIoBytes;

}  // namespace

// Messages are reused per thread: their fields keep their memory from one call to the next.

Result<SchedulerCall> decode_scheduler_call(Encoding encoding, std::string_view body) {
  thread_local mesos::v1::scheduler::Call message;
  recycle(message, body.size());
  if (Status ok = read_body(encoding, body, message); !ok) return ok.error();
  if (!message.has_type() && is_publish_call(encoding, body)) {
    return read_publish_call(encoding, body);
  }
  return read_call(message);
}

std::string encode_scheduler_call(Encoding encoding, const SchedulerCall& call) {
  if (const auto* publish = std::get_if<call::Publish>(&call.body)) {
    return write_publish_call(encoding, call.framework_id, *publish);
  }
  mesos::v1::scheduler::Call message;
  write_call(call, message);
  return write_body(encoding, message);
}

std::string encode_scheduler_event(Encoding encoding, const SchedulerEvent& event,
                                   const EventShape& shape) {
  if (const auto* offers = std::get_if<event::Offers>(&event);
      offers != nullptr && encoding == Encoding::json) {
    std::string out;
    write_offers_json(*offers, shape.capabilities, out);
    return out;
  }
  thread_local mesos::v1::scheduler::Event message;
  message.Clear();
  write_event(event, shape, message);
  std::string out = write_body(encoding, message);
  recycle(message, out.size());
  return out;
}

Result<SchedulerEvent> decode_scheduler_event(Encoding encoding, std::string_view body) {
  thread_local mesos::v1::scheduler::Event message;
  recycle(message, body.size());
  if (Status ok = read_body(encoding, body, message, kMaxEventBytes); !ok) return ok.error();
  return read_event(message);
}

}  // namespace bourse::codec
