// Canonical bytes of a message: fields by number, map entries by key, so that equal descriptions
// have equal digests. Private to the codec; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace bourse::codec {

// Missing required fields are allowed: a canonical form may leave out what travels beside it.
std::string canonical_bytes(const google::protobuf::MessageLite& message);
Blob canonical_blob(const google::protobuf::MessageLite& message);

// The same into a buffer that has room for `bytes`, the message's ByteSizeLong() just taken.
void write_canonical(const google::protobuf::MessageLite& message, std::size_t bytes, char* out);

// Parses with our depth limit. Missing required fields are the caller's to judge.
bool parse_bounded(std::string_view bytes, google::protobuf::MessageLite& message);

// Empties a reused message: keeps its memory for the next one, unless it had grown large (or was
// too large to be written at all: 0 bytes).
template <typename Message>
void recycle(Message& message, std::size_t bytes) {
  constexpr std::size_t kKeepBytes = 64u << 10;
  if (bytes == 0 || bytes > kKeepBytes) {
    Message fresh;
    message.Swap(&fresh);
  } else {
    message.Clear();
  }
}

}  // namespace bourse::codec
