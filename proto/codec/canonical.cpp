#include "proto/codec/canonical.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include <limits>

#include "model/limits.hpp"

namespace bourse::codec {

std::string canonical_bytes(const google::protobuf::MessageLite& message) {
  std::string out;
  out.reserve(message.ByteSizeLong());
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
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
