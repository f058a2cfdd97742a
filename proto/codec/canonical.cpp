#include "proto/codec/canonical.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include <limits>

#include "model/limits.hpp"

namespace bourse::codec {

void write_canonical(const google::protobuf::MessageLite& message, std::size_t bytes, char* out) {
  google::protobuf::io::ArrayOutputStream stream(out, static_cast<int>(bytes));
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&coded);
}

std::string canonical_bytes(const google::protobuf::MessageLite& message) {
  std::string out(message.ByteSizeLong(), '\0');
  write_canonical(message, out.size(), out.data());
  return out;
}

Blob canonical_blob(const google::protobuf::MessageLite& message) {
  return Blob(canonical_bytes(message));
}

bool parse_bounded(std::string_view bytes, google::protobuf::MessageLite& message) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(static_cast<int>(limits::kMaxProtobufDepth));
  return message.ParsePartialFromCodedStream(&in) && in.ConsumedEntireMessage();
}

}  // namespace bourse::codec
