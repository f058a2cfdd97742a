#include "proto/codec/body.hpp"

#include <google/protobuf/message.h>

#include "proto/codec/canonical.hpp"
#include "proto/codec/json.hpp"

namespace bourse::codec {

Status check_required(const google::protobuf::Message& message) {
  if (message.IsInitialized()) return {};
  return invalid("Missing required fields: " + message.InitializationErrorString());
}

Status read_body(Encoding encoding, std::string_view body, google::protobuf::Message& message,
                 std::size_t most_bytes) {
  if (body.size() > most_bytes) {
    return Error{ErrorCode::too_large, "body of " + std::to_string(body.size()) +
                                           " bytes: at most " + std::to_string(most_bytes)};
  }
  if (encoding == Encoding::json) {
    JsonLimits bounds;
    bounds.bytes = most_bytes;
    return from_json(body, message, bounds);
  }
  const std::string what =
      "Failed to parse body into " + message.GetDescriptor()->name() + " protobuf";
  if (!parse_bounded(body, message)) return invalid(what);
  if (Status ok = check_required(message); !ok) return invalid(what + ": " + ok.error().message);
  return {};
}

std::string write_body(Encoding encoding, const google::protobuf::Message& message) {
  return encoding == Encoding::json ? to_json(message) : canonical_bytes(message);
}

}  // namespace bourse::codec
