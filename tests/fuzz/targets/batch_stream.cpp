#include "executors/batch/batch_message.hpp"

#include "fuzz.hpp"
#include "proto/codec/frames.hpp"

using namespace bourse;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frames = codec::decode_frames(fuzz::text(data, size));
  if (!frames) return 0;
  for (const std::string_view frame : *frames) {
    const auto message = batch::decode_message(frame);
    if (!message) continue;
    std::string again, own;
    codec::append_frame(frame, own);
    batch::append_message(*message, again);
    fuzz::must(again == own);
  }
  return 0;
}
