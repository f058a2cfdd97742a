#include "agent/shell/stream_headers.hpp"

#include "api/negotiation.hpp"
#include "proto/codec/call_form.hpp"
#include "proto/codec/json.hpp"

namespace bourse::agent {

namespace {

using mesos::v1::agent::Call;
using runtime::HttpRequest;
using runtime::HttpResponse;

constexpr char kRecords[] = "application/recordio";
constexpr char kTwo[] = "application/json or application/x-protobuf";

CallForm refused(int status, std::string sentence) {
  CallForm out;
  out.refusal = HttpResponse::text(status, std::move(sentence));
  return out;
}

std::optional<codec::Encoding> encoding_of(std::string_view type) {
  for (const auto encoding : {codec::Encoding::json, codec::Encoding::protobuf}) {
    if (type == codec::media_type(encoding)) return encoding;
  }
  return std::nullopt;
}

// The one of the two that an Accept header takes, JSON first; absent, it takes all.
std::optional<codec::Encoding> accepted(const std::string* accept) {
  if (accept == nullptr) return codec::Encoding::json;
  for (const auto encoding : {codec::Encoding::json, codec::Encoding::protobuf}) {
    if (api::accepts(*accept, codec::media_type(encoding))) return encoding;
  }
  return std::nullopt;
}

CallForm read_content(const HttpRequest& request) {
  CallForm out;
  const std::string_view type = request.headers.get("Content-Type");
  const std::string* of_records = request.headers.find("Message-Content-Type");
  if (type.empty()) return refused(400, std::string("Content-Type: is missing; give ") + kTwo);
  out.streamed_in = type == kRecords;
  if (out.streamed_in && of_records == nullptr) {
    return refused(400, std::string("Message-Content-Type: is missing; give ") + kTwo);
  }
  if (!out.streamed_in && of_records != nullptr) {
    return refused(415, "Message-Content-Type: is for a Content-Type of application/recordio");
  }
  const std::string_view written = out.streamed_in ? std::string_view(*of_records) : type;
  const auto encoding = encoding_of(written);
  if (!encoding) {
    return refused(415, std::string(out.streamed_in ? "Message-" : "") + "Content-Type: '" +
                            std::string(written) + "' is not " + kTwo);
  }
  out.in = *encoding;
  return out;
}

CallForm read_accepted(const HttpRequest& request, CallForm out) {
  const std::string* accept = request.headers.find("Accept");
  const std::string* of_records = request.headers.find("Message-Accept");
  if (const auto encoding = accepted(accept)) {
    if (of_records != nullptr) {
      return refused(406, "Message-Accept: is for an Accept of application/recordio");
    }
    out.out = *encoding;
    return out;
  }
  if (!api::accepts(*accept, kRecords)) {
    return refused(406, "Accept: '" + *accept + "' takes neither " + kTwo +
                            ", nor application/recordio where a stream is answered");
  }
  const auto encoding = accepted(of_records);
  if (!encoding) {
    return refused(406, "Message-Accept: '" + *of_records + "' does not take " + kTwo);
  }
  out.streamed_out = true;
  out.out = *encoding;
  return out;
}

}  // namespace

CallForm form_of(const HttpRequest& request) {
  CallForm out = read_content(request);
  return out.refusal ? out : read_accepted(request, std::move(out));
}

Status parse_call(const CallForm& form, std::string_view text, Call& call) {
  if (form.in == codec::Encoding::json) {
    if (const Status parsed = codec::from_json(text, call); !parsed.ok()) return parsed;
  } else if (!call.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
    return invalid("body: does not parse as mesos.v1.agent.Call");
  }
  return codec::check_call_form(call, form.in, text, {"GET_METRICS", "GET_CONTAINERS"});
}

std::optional<HttpResponse> refused_form(const CallForm& form, const Call& call) {
  const bool input = call.type() == Call::ATTACH_CONTAINER_INPUT;
  const bool output = call.type() == Call::ATTACH_CONTAINER_OUTPUT ||
                      call.type() == Call::LAUNCH_NESTED_CONTAINER_SESSION;
  const std::string type = Call::Type_Name(call.type());
  if (form.streamed_in && !input) {
    return HttpResponse::text(415, "Content-Type: " + type + " is no stream; give " + kTwo);
  }
  if (!form.streamed_in && input) {
    return HttpResponse::text(415, "Content-Type: " + type + " is a stream; give " + kRecords);
  }
  if (form.streamed_out && !output) {
    return HttpResponse::text(406, "Accept: the answer to " + type + " is no stream; take " + kTwo);
  }
  return std::nullopt;
}

}  // namespace bourse::agent
