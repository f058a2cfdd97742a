// A public message out of a body in either encoding, and back. The errors are the sentences that an
// HTTP client gets. Private to the codec; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/limits.hpp"
#include "proto/codec/encoding.hpp"

namespace google::protobuf {
class Message;
}

namespace bourse::codec {

// Fills an empty message; all required fields are there afterwards.
Status read_body(Encoding encoding, std::string_view body, google::protobuf::Message& message,
                 std::size_t most_bytes = limits::kMaxCallBytes);
std::string write_body(Encoding encoding, const google::protobuf::Message& message);

// "Missing required fields: a.b, c" or nothing.
Status check_required(const google::protobuf::Message& message);

}  // namespace bourse::codec
