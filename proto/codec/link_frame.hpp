// One protobuf message as a frame: shared by the files that implement links.hpp. Private to the
// codec; any thread.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/limits.hpp"
#include "model/link_session.hpp"
#include "proto/codec/canonical.hpp"
#include "proto/codec/frames.hpp"

namespace bourse::codec {

// Serialises straight into the batch; 0 and nothing added if the message is too large to send.
template <typename Message>
std::size_t append_message(const Message& message, std::string& batch) {
  const std::size_t bytes = message.ByteSizeLong();
  if (!fits_batch(0, bytes)) return 0;
  const std::size_t before = batch.size();
  std::uint8_t digits[10];
  const std::uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
      static_cast<std::uint32_t>(bytes), digits);
  batch.append(reinterpret_cast<const char*>(digits), static_cast<std::size_t>(end - digits));
  const std::size_t at = batch.size();
  batch.resize(at + bytes);
  write_canonical(message, bytes, batch.data() + at);
  return batch.size() - before;
}

template <typename Message>
Status parse_frame(std::string_view frame, Message& message, const char* what) {
  recycle(message, frame.size());
  if (frame.size() > limits::kMaxFrameBytes) {
    return Error{ErrorCode::too_large, std::string(what) + " of " + std::to_string(frame.size()) +
                                           " bytes: at most " +
                                           std::to_string(limits::kMaxFrameBytes)};
  }
  if (!parse_bounded(frame, message)) {
    return invalid(std::string(what) + ": " + std::to_string(frame.size()) +
                   " bytes that are not a " + message.GetTypeName());
  }
  return {};
}

template <typename Message>
LinkHeader read_header(const Message& message) {
  return {message.session(), message.sequence(), message.epoch()};
}

template <typename Message>
void write_header(const LinkHeader& header, Message& out) {
  if (header.session != 0) out.set_session(header.session);
  if (header.sequence != 0) out.set_sequence(header.sequence);
  if (header.epoch != 0) out.set_epoch(header.epoch);
}

}  // namespace bourse::codec
