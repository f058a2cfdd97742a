// The envelope of a durable record: version, kind, checksum, payload. Private to the codec.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace google::protobuf {
class Message;
class MessageLite;
}  // namespace google::protobuf

namespace bourse::codec {

struct RecordBody {
  std::uint8_t kind = 0;
  std::string_view payload;
};

std::string seal_record(std::size_t kind, const google::protobuf::MessageLite& payload);
// `what` names the kind of record in errors.
Result<RecordBody> open_record(std::string_view record, const char* what);
Status parse_payload(std::string_view payload, google::protobuf::MessageLite& message);
// Likewise, and nothing stands in it that this build does not know: whoever writes the record anew
// would leave that out. unsupported: what it is, and that a newer build wrote it.
Status parse_known(std::string_view payload, google::protobuf::Message& message, const char* what);
Error unknown_kind(std::uint8_t kind, const char* what);

}  // namespace bourse::codec
