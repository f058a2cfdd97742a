// Frames: several messages to one peer in one transport message. Each frame is its length as a
// varint, then its bytes. Batching is what makes a message cheap: an unbatched round trip costs
// about twenty times a batched one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/limits.hpp"

namespace bourse::codec {

// More frames than this in one transport message are refused.
inline constexpr std::size_t kMaxFramesPerBatch = 65'536;

// Appends one frame. The caller starts a new batch when this one would outgrow
// limits::kMaxFrameBytes (see fits_batch).
void append_frame(std::string_view frame, std::string& batch);

// Whether a batch of `batch_bytes` may grow by a frame of `frame_bytes`.
inline bool fits_batch(std::size_t batch_bytes, std::size_t frame_bytes) {
  return batch_bytes + frame_bytes + 10 <= limits::kMaxFrameBytes;
}

// Views into `batch`, valid as long as it is. Refused: over limits::kMaxFrameBytes, more than
// kMaxFramesPerBatch frames, a length that is not the shortest varint or points past the end.
Result<std::vector<std::string_view>> decode_frames(std::string_view batch);

}  // namespace bourse::codec
