#include "proto/codec/frames.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto batch = fuzz::text(data, size);
  const auto frames = bourse::codec::decode_frames(batch);
  if (!frames) return 0;
  std::string again;
  for (const std::string_view frame : *frames) bourse::codec::append_frame(frame, again);
  fuzz::must(again == batch);
  return 0;
}
