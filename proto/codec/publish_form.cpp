#include "proto/codec/publish_form.hpp"

#include "model/limits.hpp"
#include "proto/codec/body.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/scheduler_extension.pb.h"

namespace bourse::codec {

using PublishCall = scheduler_extension::Call;

Result<call::Publish> read_publish(std::string name, std::string content) {
  if (Status ok = check_id(name, "publish.name"); !ok) return ok.error();
  if (content.size() > limits::kMaxPublishedBytes) {
    return Error{ErrorCode::too_large, "'publish.content' has " + std::to_string(content.size()) +
                                           " bytes: at most " +
                                           std::to_string(limits::kMaxPublishedBytes)};
  }
  return call::Publish{std::move(name), std::move(content)};
}

bool is_publish_call(Encoding encoding, std::string_view body) {
  PublishCall message;
  return read_body(encoding, body, message).ok() && message.type() == PublishCall::PUBLISH;
}

Result<SchedulerCall> read_publish_call(Encoding encoding, std::string_view body) {
  PublishCall message;
  if (Status ok = read_body(encoding, body, message); !ok) return ok.error();
  const std::string& framework_id = message.framework_id().value();
  if (Status ok = check_id(framework_id, "framework_id"); !ok) return ok.error();
  if (!message.has_publish()) {
    return invalid("Failed to validate scheduler::Call: Expecting 'publish' to be present");
  }
  auto publish = read_publish(std::move(*message.mutable_publish()->mutable_name()),
                              std::move(*message.mutable_publish()->mutable_content()));
  if (!publish.ok()) return publish.error();
  return SchedulerCall{FrameworkId(framework_id), std::move(publish).value()};
}

std::string write_publish_call(Encoding encoding, const FrameworkId& framework_id,
                               const call::Publish& publish) {
  PublishCall message;
  message.set_type(PublishCall::PUBLISH);
  message.mutable_framework_id()->set_value(framework_id.raw());
  message.mutable_publish()->set_name(publish.name);
  message.mutable_publish()->set_content(publish.content);
  return write_body(encoding, message);
}

}  // namespace bourse::codec
