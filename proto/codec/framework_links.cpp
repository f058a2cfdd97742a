// The links that carry public messages: master <-> SDK and agent <-> executor.

#include "proto/codec/body.hpp"
#include "proto/codec/executor_form.hpp"
#include "proto/codec/link_frame.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/offer_wire.hpp"
#include "proto/codec/publish_form.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/link.pb.h"

namespace bourse::codec {

namespace {

// Offers are most of what a full cycle sends.
std::size_t append_offers(const LinkHeader& header, const event::Offers& offers,
                          const Capabilities& capabilities, std::string& batch) {
  using Form = internal::MasterToFramework;
  thread_local WireWriter out;
  out.clear();
  if (header.session != 0) out.number(Form::kSessionFieldNumber, header.session);
  if (header.sequence != 0) out.number(Form::kSequenceFieldNumber, header.sequence);
  if (header.epoch != 0) out.number(Form::kEpochFieldNumber, header.epoch);
  out.message(Form::kEventFieldNumber, [&] { write_offers_wire(offers, capabilities, out); });
  if (!fits_batch(0, out.bytes().size())) return 0;
  const std::size_t before = batch.size();
  append_frame(out.bytes(), batch);
  return batch.size() - before;
}

Result<SchedulerCall> read_publish_message(internal::FrameworkToMaster& message) {
  SchedulerCall out;
  if (Status ok = check_id(message.framework_id(), "framework_id"); !ok) return ok.error();
  out.framework_id = FrameworkId(message.framework_id());
  internal::Publish& publish = *message.mutable_publish();
  auto read = read_publish(publish.name(), std::move(*publish.mutable_content()));
  if (!read.ok()) return read.error();
  out.body = std::move(read).value();
  return out;
}

}  // namespace

std::size_t append_framework_to_master(const FrameworkToMaster& message, std::string& batch) {
  thread_local internal::FrameworkToMaster out;
  write_header(message.header, out);
  if (const auto* call = std::get_if<SchedulerCall>(&message.body)) {
    if (const auto* publish = std::get_if<call::Publish>(&call->body)) {
      out.set_framework_id(call->framework_id.raw());
      out.mutable_publish()->set_name(publish->name);
      out.mutable_publish()->set_content(publish->content);
    } else {
      write_call(*call, *out.mutable_call());
    }
  }
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<FrameworkToMaster> decode_framework_to_master(std::string_view frame) {
  thread_local internal::FrameworkToMaster message;
  FrameworkToMaster out;
  if (Status ok = parse_frame(frame, message, "message from a framework"); !ok) return ok.error();
  out.header = read_header(message);
  if (message.has_publish()) {
    Result<SchedulerCall> publish = read_publish_message(message);
    if (!publish) return publish.error();
    out.body = std::move(*publish);
  } else if (message.has_call()) {
    if (Status ok = check_required(message.call()); !ok) return ok.error();
    Result<SchedulerCall> call = read_call(*message.mutable_call());
    if (!call) return call.error();
    out.body = std::move(*call);
  }
  return out;
}

std::size_t append_master_to_framework(const MasterToFramework& message, const EventShape& shape,
                                       std::string& batch) {
  if (const auto* offers = std::get_if<event::Offers>(&message.body)) {
    return append_offers(message.header, *offers, shape.capabilities, batch);
  }
  thread_local internal::MasterToFramework out;
  write_header(message.header, out);
  write_event(message.body, shape, *out.mutable_event());
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<MasterToFramework> decode_master_to_framework(std::string_view frame) {
  thread_local internal::MasterToFramework message;
  if (Status ok = parse_frame(frame, message, "message from a master"); !ok) return ok.error();
  if (Status ok = check_required(message.event()); !ok) return ok.error();
  Result<SchedulerEvent> event = read_event(*message.mutable_event());
  if (!event) return event.error();
  return MasterToFramework{read_header(message), std::move(*event)};
}

std::size_t append_executor_call(const ExecutorCall& call, std::string& batch) {
  thread_local internal::ExecutorToAgent out;
  out.set_token(call.token);
  write_executor_call(call, *out.mutable_call());
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<ExecutorCall> decode_executor_call_frame(std::string_view frame) {
  thread_local internal::ExecutorToAgent message;
  if (Status ok = parse_frame(frame, message, "message from an executor"); !ok) return ok.error();
  if (message.token().size() > limits::kMaxNameBytes) {
    return Error{ErrorCode::too_large, "'token' has more than 1024 bytes"};
  }
  if (Status ok = check_required(message.call()); !ok) return ok.error();
  Result<ExecutorCall> call = read_executor_call(*message.mutable_call());
  if (call) call->token = message.token();
  return call;
}

std::size_t append_executor_event(const ExecutorEvent& event, std::string& batch) {
  thread_local internal::AgentToExecutor out;
  write_executor_event(event, *out.mutable_event());
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<ExecutorEvent> decode_executor_event_frame(std::string_view frame) {
  thread_local internal::AgentToExecutor message;
  if (Status ok = parse_frame(frame, message, "message from an agent"); !ok) return ok.error();
  if (Status ok = check_required(message.event()); !ok) return ok.error();
  return read_executor_event(*message.mutable_event());
}

}  // namespace bourse::codec
