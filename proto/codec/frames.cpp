#include "proto/codec/frames.hpp"

namespace bourse::codec {

void append_frame(std::string_view frame, std::string& batch) {
  std::size_t length = frame.size();
  while (length >= 0x80) {
    batch.push_back(static_cast<char>(0x80 | (length & 0x7f)));
    length >>= 7;
  }
  batch.push_back(static_cast<char>(length));
  batch.append(frame);
}

Result<std::vector<std::string_view>> decode_frames(std::string_view batch) {
  if (batch.size() > limits::kMaxFrameBytes) {
    return Error{ErrorCode::too_large, "transport message of " + std::to_string(batch.size()) +
                                           " bytes: at most " +
                                           std::to_string(limits::kMaxFrameBytes)};
  }
  std::vector<std::string_view> frames;
  std::size_t at = 0;
  const auto refuse = [&](const char* why) {
    return invalid("frame " + std::to_string(frames.size()) + " at byte " + std::to_string(at) +
                   ": " + why);
  };
  while (at < batch.size()) {
    if (frames.size() == kMaxFramesPerBatch) {
      return Error{ErrorCode::too_large, "transport message with more than 65536 frames"};
    }
    std::size_t length = 0;
    std::size_t digit = 0;
    std::size_t from = at;
    while (true) {
      if (from == batch.size()) return refuse("its length is cut off");
      if (digit == 4) return refuse("its length has more than four digits");
      const auto byte = static_cast<unsigned char>(batch[from++]);
      length |= static_cast<std::size_t>(byte & 0x7f) << (7 * digit++);
      if (byte < 0x80) {
        if (byte == 0 && digit > 1) return refuse("its length has a digit too many");
        break;
      }
    }
    if (length > batch.size() - from) return refuse("it is cut off");
    frames.push_back(batch.substr(from, length));
    at = from + length;
  }
  return frames;
}

}  // namespace bourse::codec
